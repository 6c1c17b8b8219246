//! `docs/parameters.md` against the setters there are.

const GUIDE: &str = include_str!("../../../../docs/parameters.md");

/// Names of the public functions in `text` that take and return what they are called on, or make an `Input`.
fn setters(text: &str) -> Vec<&str> {
    let lines = text.lines().map(str::trim_start).filter_map(|line| line.strip_prefix("pub fn "));
    let taking =
        lines.filter(|line| line.contains("(self") || line.contains("(mut self") || line.contains("-> Self"));
    let names = taking.filter_map(|line| line.split(['(', '<']).next());
    names.filter(|name| !["new", "opentsne_v1"].contains(name)).collect()
}

/// The part of the guide under the heading that begins so.
fn section(heading: &str) -> &'static str {
    let start = GUIDE.find(heading).expect("the guide has this section");
    let rest = &GUIDE[start + heading.len()..];
    rest.find("\n## ").map_or(rest, |end| &rest[..end])
}

#[test]
fn every_setter_is_in_the_guide() {
    let fit = section("## `Tsne`");
    for (file, text, place, least) in [
        ("config.rs", include_str!("../../src/config.rs"), fit.to_owned(), 20),
        (
            "optimization.rs",
            include_str!("../../src/optimization.rs"),
            section("## `Optimization`").to_owned() + fit,
            20,
        ),
        ("transform.rs", include_str!("../../src/transform.rs"), section("## `Transform`").to_owned(), 15),
        ("input.rs", include_str!("../../src/input.rs"), section("## `Input`").to_owned(), 5),
    ] {
        let setters = setters(text);
        assert!(setters.len() >= least, "{file}: the setters are found: {setters:?}");
        for setter in setters {
            assert!(
                place.contains(&format!("| `{setter}` |")),
                "docs/parameters.md lacks a row for `{setter}` of {file} in its section"
            );
        }
    }
}
