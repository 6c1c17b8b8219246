//! Pictures: by `tsne plot` and by suffix, as PNG and as SVG.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::{Directory, two_groups};

/// Width, height and pixels of a PNG file.
pub(crate) fn decoded(png: &[u8]) -> (usize, usize, Vec<u8>) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().expect("a PNG file");
    let mut pixels = vec![0; reader.output_buffer_size().expect("of a size that memory has")];
    let info = reader.next_frame(&mut pixels).expect("pixels");
    assert_eq!(info.color_type, png::ColorType::Rgb, "three channels");
    (info.width as usize, info.height as usize, pixels)
}

/// Number of pixels that nearly have a color.
pub(crate) fn count_color(pixels: &[u8], wanted: [u8; 3]) -> usize {
    pixels.chunks_exact(3).filter(|p| p.iter().zip(wanted).all(|(&a, b)| a.abs_diff(b) < 40)).count()
}

/// A map of `n` points in CSV with a kind, an age and an id.
fn map(n: usize) -> String {
    let mut text = "x,y,label,age,id\n".to_owned();
    for i in 0..n {
        let (x, y) = ((i * 7919 % 1009) as f64 / 10.0, (i * 104_729 % 997) as f64 / 10.0);
        let age = if i % 10 == 0 { String::new() } else { format!("{}", i % 90) };
        let _ = writeln!(text, "{x},{y},{},{age},p{i}", ["left", "right", "a & b <i>"][i % 3]);
    }
    text
}

/// The texts of an SVG file after checks that hold for all of them.
fn checked(svg: &str) -> Vec<String> {
    let document = roxmltree::Document::parse(svg).expect("XML");
    for node in document.descendants().filter(roxmltree::Node::is_element) {
        let name = node.tag_name().name();
        assert!(
            ["svg", "title", "desc", "rect", "g", "circle", "text", "image", "linearGradient", "stop"]
                .contains(&name),
            "{name} is expected in no picture"
        );
        for attribute in node.attributes() {
            assert!(!attribute.name().starts_with("on"), "no script: {attribute:?}");
            let is_inside =
                !attribute.name().contains("href") || attribute.value().starts_with("data:image/png;base64,");
            assert!(is_inside, "nothing is fetched: {attribute:?}");
        }
    }
    let texts =
        document.descendants().filter(|node| node.has_tag_name(("http://www.w3.org/2000/svg", "text")));
    texts.map(|node| node.text().unwrap_or_default().to_owned()).collect()
}

fn count(svg: &str, element: &str) -> usize {
    let document = roxmltree::Document::parse(svg).expect("XML");
    document.descendants().filter(|node| node.tag_name().name() == element).count()
}

#[test]
fn a_model_is_drawn_as_it_was_when_it_was_made() {
    let directory = Directory::with("d.csv", two_groups(20));
    let flags = "--background dark --palette okabe-ito --width 700 --dpi 100";
    directory.made(&format!(
        "fit d.csv -o m.tsne -o m.ckpt -o a.png -o a.svg --label group --id a --perplexity 5 -q {flags}"
    ));
    for (from, to) in [("m.tsne", "b"), ("m.ckpt", "c")] {
        directory.made(&format!("plot {from} -o {to}.png -o {to}.svg {flags}"));
        assert!(
            directory.read("a.png") == directory.read(&format!("{to}.png")),
            "the same picture from {from}"
        );
        assert!(
            directory.read("a.svg") == directory.read(&format!("{to}.svg")),
            "the same vectors from {from}"
        );
    }
    let (width, _, pixels) = decoded(&directory.read("a.png"));
    assert_eq!(width, 700, "as wide as asked");
    assert_eq!(pixels[..3], [0x15, 0x18, 0x1d], "dark");
    assert!(count_color(&pixels, [0xe6, 0x9f, 0x00]) > 100, "the first color of the palette");
    let texts = checked(&directory.text("a.svg"));
    assert!(
        texts[0] == "d.csv" && texts[1].contains("40 points · perplexity 5 · KL divergence 0."),
        "{texts:?}"
    );
    assert_eq!(texts[2..], ["group", "left", "right"], "the legend");

    directory.made("plot m.tsne -o t.svg --label group --title Cells");
    assert_eq!(checked(&directory.text("t.svg"))[0], "Cells", "a heading of one's own");
    for (args, code) in [
        ("plot m.tsne -o e.png --label kind", "E114"),
        ("plot m.tsne -o e.png --color-by age", "E114"),
        ("plot m.tsne -o e.png --columns 1,2", "E207"),
        ("plot d.csv -o m.tsne --force", "E207"),
        ("plot d.csv -o e.csv", "E207"),
        ("plot d.csv -o -", "E207"),
        ("plot m.tsne -o a.png", "E604"),
        ("plot none.tsne -o e.png", "E601"),
        ("plot d.csv -o e.png", "E104"),
        ("plot d.csv -o e.png --label group --color-by nothing", "E114"),
        ("plot d.csv -o e.png --columns a,b,c,a --drop group --width 10", "E205"),
        ("fit d.csv -o e.png --label group --dpi 7", "E205"),
        ("fit d.csv -o e.png --label group --dpi NaN", "E205"),
    ] {
        let outcome = directory.tsne(args);
        assert!(outcome.stderr.starts_with(&format!("error {code}: ")), "{args}: {}", outcome.stderr);
    }
}

#[test]
fn a_table_is_drawn_by_its_columns() {
    let directory = Directory::with("m.csv", map(300));
    directory.made("plot m.csv -o by-label.svg");
    let svg = directory.text("by-label.svg");
    assert_eq!(checked(&svg), ["m.csv", "300 points", "label", "a & b <i>", "left", "right"], "all texts");
    assert_eq!(count(&svg, "circle"), 303, "a disc for each point and each class");

    directory.made("plot m.csv -o by-age.svg --color-by age");
    let texts = checked(&directory.text("by-age.svg"));
    assert_eq!(texts[2..], ["age", "20", "40", "60", "80", "no value"], "a scale");
    directory.made("plot m.csv -o by-both.svg --color-by age --label label");
    assert_eq!(
        checked(&directory.text("by-both.svg"))[2],
        "label",
        "what was asked for as a label comes first"
    );

    // Standard input, another order of columns, other names, and numbers in the place of names.
    let other = "g,u,v\n0.5,1,2\n0.25,2,2\n1,4,7\n";
    let mut child = Command::new(env!("CARGO_BIN_EXE_tsne"))
        .args(["plot", "-", "-o", "stdin.svg", "--color-by", "g"])
        .current_dir(&directory.0)
        .stdin(Stdio::piped())
        .spawn()
        .expect("the program runs");
    child.stdin.take().expect("a pipe").write_all(other.as_bytes()).expect("it reads");
    assert!(child.wait().expect("it ends").success(), "drawn from standard input");
    std::fs::write(directory.0.join("other.csv"), other).expect("writes");
    directory.made("plot other.csv -o other.svg --columns 2,3 --color-by 1 --title standard-input");
    let texts = |name: &str| checked(&directory.text(name))[2..].to_vec();
    assert_eq!(texts("stdin.svg"), texts("other.svg"), "the same column");
    assert_eq!(texts("other.svg"), ["g", "0.4", "0.6", "0.8", "1.0"], "a scale");

    // Values and classes from files, one line a row.
    std::fs::write(directory.0.join("kinds.txt"), "kind\n1\n2\n1\n").expect("writes");
    directory.made("plot other.csv -o classes.svg --columns u,v --labels kinds.txt");
    assert_eq!(texts("classes.svg"), ["kind", "1", "2"], "classes of a file");
    directory.made("plot other.csv -o values.svg --columns u,v --color-by kinds.txt");
    assert_eq!(texts("values.svg"), ["kind", "1.0", "1.2", "1.4", "1.6", "1.8", "2.0"], "numbers of a file");

    std::fs::write(directory.0.join("wide.csv"), "a,b,c,d\n1,2,3,4\n2,3,4,6\n").expect("writes");
    let outcome = directory.tsne("plot wide.csv -o e.png");
    assert!(outcome.stderr.starts_with("error E203: the map has 4 columns"), "{}", outcome.stderr);
}

#[test]
fn maps_of_every_kind_and_dimension_are_drawn() {
    let directory = Directory::with("d.csv", two_groups(20));
    for n in [1, 2, 3] {
        directory.made(&format!(
            "fit d.csv -o m{n}.npz -o m{n}.npy -o m{n}.tsv.gz -o m{n}.png --n-components {n} --label group --perplexity 5 -q"
        ));
        directory.made(&format!("plot m{n}.npz -o z{n}.svg"));
        assert_eq!(
            checked(&directory.text(&format!("z{n}.svg")))[2..],
            ["label", "left", "right"],
            "archive, {n}"
        );
        directory.made(&format!("plot m{n}.tsv.gz -o t{n}.svg"));
        assert_eq!(
            checked(&directory.text(&format!("t{n}.svg")))[2..],
            ["label", "left", "right"],
            "table, {n}"
        );
        directory.made(&format!("plot m{n}.npy -o y{n}.svg"));
        assert_eq!(count(&directory.text(&format!("y{n}.svg")), "circle"), 40, "array, {n}");
    }
    directory.made("plot m2.npz -o id.svg --color-by label --label label");
}

/// Pictures and labels do not depend on the order of rows, be they drawn one by one or as a density.
#[test]
fn rows_in_another_order_are_the_same_picture() {
    for n in [500, 25_000] {
        let text = map(n);
        let mut lines: Vec<&str> = text.lines().collect();
        lines[1..].reverse();
        let directory = Directory::with("m.csv", &text);
        std::fs::create_dir(directory.0.join("turned")).expect("a directory");
        std::fs::write(directory.0.join("turned/m.csv"), lines.join("\n")).expect("writes");
        directory.made("plot m.csv -o a.png -o a.svg");
        directory.made("plot turned/m.csv -o b.png -o b.svg");
        assert!(directory.read("a.png") == directory.read("b.png"), "{n} points as PNG");
        assert!(directory.read("a.svg") == directory.read("b.svg"), "{n} points as SVG");
        let svg = directory.text("a.svg");
        assert!(checked(&svg).contains(&"a & b <i>".to_owned()), "labels are text");
        assert_eq!(count(&svg, "image"), usize::from(n > 20_000), "a picture of many points, vectors of few");
    }
}

#[test]
fn labels_can_contain_anything() {
    let names = ["]]>", "</text><script>", "a\u{1}b\u{b}c", "\u{ffff}", "&amp;", "\"'", "\u{202e}x"];
    let mut text = "x,y,label\n".to_owned();
    for (i, name) in names.iter().enumerate() {
        let _ = writeln!(text, "{i},{},\"{}\"", i * i, name.replace('"', "\"\""));
    }
    let directory = Directory::with("m.csv", text);
    directory.made("plot m.csv -o m.svg -o m.png --title <!--<![CDATA[");
    let texts = checked(&directory.text("m.svg"));
    assert_eq!(texts[0], "<!--<![CDATA[", "the heading is text");
    for name in ["]]>", "</text><script>", "&amp;", "\"'"] {
        assert!(texts.contains(&name.to_owned()), "{name} among {texts:?}");
    }
    decoded(&directory.read("m.png"));
}

#[test]
fn a_page_tells_what_it_holds() {
    let directory = Directory::with("d.csv", two_groups(20));
    let flags = "--label group --id a --perplexity 5 --n-iter 20 --early-exaggeration-iter 20 -q";
    directory.made(&format!("fit d.csv -o m.html --title Groups --snapshots 4 {flags}"));
    let all: serde_json::Value =
        serde_json::from_str(&directory.printed("inspect m.html --json")).expect("JSON");
    assert_eq!(all["generator"], concat!("tsne ", env!("CARGO_PKG_VERSION")), "{all}");
    assert_eq!((&all["n_points"], &all["n_dimensions"]), (&40.into(), &2.into()), "{all}");
    assert_eq!((&all["title"], &all["has_ids"]), (&"Groups".into(), &true.into()), "{all}");
    assert_eq!(all["columns"], serde_json::json!(["group"]), "{all}");
    let maps = ["iteration 10", "iteration 20", "iteration 30", "final map"];
    assert_eq!(all["maps"], serde_json::json!(maps), "{all}");
    let facts = all["facts"].as_array().expect("facts");
    assert!(facts.contains(&"perplexity: 5.0".into()), "the run is told: {all}");
    let text = directory.printed("inspect m.html");
    assert!(text.contains("title            Groups\n") && text.contains("n points         40\n"), "{text}");

    // A page of three components, drawn from a table, without labels, by another command.
    directory.made("fit d.csv -o m.csv --drop group --n-components 3 --perplexity 5 --n-iter 20 -q");
    directory.made("plot m.csv -o plain.html --title Plain");
    let plain = directory.printed("inspect plain.html");
    assert!(plain.contains("n points         40\n") && plain.contains("columns          none\n"), "{plain}");
}

#[test]
fn pages_of_others_and_damaged_ones_are_refused() {
    let directory = Directory::with("d.csv", two_groups(20));
    directory.made("fit d.csv -o m.html --label group --perplexity 5 --n-iter 20 -q");
    let page = directory.text("m.html");
    let scene = page.find("id=\"scene\"").expect("what it holds");
    let positions = page.find("id=\"positions-0\"").expect("positions");
    for (content, error) in [
        ("<!doctype html><title>tsne</title>".to_owned(), "this page was not made by tsne"),
        (String::new(), "this page was not made by tsne"),
        (page.replace("content=\"tsne ", "content=\"other "), "this page was not made by tsne"),
        (page[..scene].to_owned(), "the page is cut off or damaged"),
        (page[..positions].to_owned(), "the page is cut off or damaged"),
        (page[..positions + 100].to_owned(), "the page is cut off or damaged"),
        (page.replace("\"points\":40", "\"points\":41"), "the page is cut off or damaged"),
    ] {
        std::fs::write(directory.0.join("x.html"), content).expect("writes");
        let outcome = directory.tsne("inspect x.html");
        assert_eq!(outcome.status, Some(3), "{error}: {}", outcome.stderr);
        let lines: Vec<&str> = outcome.stderr.lines().collect();
        assert_eq!(
            lines[..2],
            [format!("error E107: {error}").as_str(), "  x.html"],
            "three lines: {lines:?}"
        );
        assert!(lines.len() == 3 && lines[2].starts_with("  help: "), "three lines: {lines:?}");
    }
    let outcome = directory.tsne("inspect none.html");
    assert!(outcome.stderr.starts_with("error E601: "), "{}", outcome.stderr);
    // Whatever a page says, the terminal is not told.
    let hostile = page.replace("\"title\":\"d.csv", "\"title\":\"a\\n\\u001b[31mb");
    assert_ne!(hostile, page, "the title is there");
    std::fs::write(directory.0.join("x.html"), hostile).expect("writes");
    assert!(!directory.printed("inspect x.html").contains('\u{1b}'), "spelled out");
}
