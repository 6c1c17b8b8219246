//! A scene as one HTML file that needs nothing else: the picture, the data, and the viewer of `viewer/` that draws them.
//!
//! What the data hold reaches the page in two ways. Numbers are base64. Texts are JSON with every character escaped that
//! HTML or JavaScript could take for its own, in elements that are not executed, and the viewer shows them as text. The
//! policy of the page allows one script and one style, named by their hashes, and no request.

use std::fmt::Write as _;
use std::io::{self, Write};

use base64::engine::general_purpose::STANDARD;
use base64::write::EncoderWriter;
use base64::{Engine as _, display::Base64Display};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::Look;
use super::legend;
use super::palette::{Background, Palette};
use super::scene::{Coloring, Scene};

/// Most points whose ids are in the file: a million of ten letters would add 13 MB.
pub(crate) const MOST_IDS: usize = 250_000;

/// Colors of the ramp for numbers; the viewer has as many slots for them.
const RAMP: u32 = 255;

const TEMPLATE: &str = include_str!("../../viewer/template.html");
const STYLE: &str = include_str!("../../viewer/viewer.css");
/// The parts share one scope, that of a function, which is called when the preview has been painted.
const SCRIPT: &str = concat!(
    "\"use strict\";\nrequestAnimationFrame(() => setTimeout(() => {\n",
    include_str!("../../viewer/data.js"),
    include_str!("../../viewer/places.js"),
    include_str!("../../viewer/view.js"),
    include_str!("../../viewer/address.js"),
    include_str!("../../viewer/webgl.js"),
    include_str!("../../viewer/canvas.js"),
    include_str!("../../viewer/overlay.js"),
    include_str!("../../viewer/legend.js"),
    include_str!("../../viewer/search.js"),
    include_str!("../../viewer/select.js"),
    include_str!("../../viewer/picture.js"),
    include_str!("../../viewer/main.js"),
    include_str!("../../viewer/pointer.js"),
    "start();\n}));\n",
);

/// Writes a scene as an HTML file. `preview_png` is a picture of it: what is seen until the viewer draws, without scripts,
/// and on paper. Of the look, the palette and the background count.
pub(crate) fn write(
    scene: &Scene<'_>,
    look: &Look,
    preview_png: &[u8],
    mut sink: impl Write,
) -> io::Result<()> {
    let mut rest = TEMPLATE;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").expect("the template closes its braces");
        sink.write_all(before.as_bytes())?;
        match name {
            "title" => sink.write_all(escaped_html(&scene.title).as_bytes())?,
            "caption" => sink.write_all(escaped_html(&scene.caption).as_bytes())?,
            "theme" => sink.write_all(theme(look).as_bytes())?,
            "version" => sink.write_all(env!("CARGO_PKG_VERSION").as_bytes())?,
            "script-hash" => sink.write_all(hash(SCRIPT).as_bytes())?,
            "style-hash" => sink.write_all(hash(STYLE).as_bytes())?,
            "style" => sink.write_all(STYLE.as_bytes())?,
            "script" => sink.write_all(SCRIPT.as_bytes())?,
            "preview" => write!(sink, "{}", Base64Display::new(preview_png, &STANDARD))?,
            "data" => write_data(scene, look, &mut sink)?,
            _ => unreachable!("the template asks for {name}"),
        }
        rest = after;
    }
    sink.write_all(rest.as_bytes())?;
    sink.flush()
}

/// What stands in the element of a page that [`write`] has made; nothing where the page has none of this id. Texts of the
/// data cannot be taken for an element, as no `<` of theirs stands in a page.
pub(crate) fn element<'p>(page: &'p str, id: &str) -> Option<&'p str> {
    let start = ["application/json", "application/octet-stream"]
        .iter()
        .find_map(|kind| page.split_once(&format!("<script type=\"{kind}\" id=\"{id}\">")));
    start?.1.split_once("</script>").map(|(content, _)| content)
}

/// The program that wrote a page, with its version; nothing where it is another or is not told.
pub(crate) fn generator(page: &str) -> Option<&str> {
    let name = page.split_once("<meta name=\"generator\" content=\"")?.1.split_once('"')?.0;
    name.starts_with("tsne ").then_some(name)
}

/// The theme a page opens in: dark where a dark picture was asked for, else what the reader's system says.
fn theme(look: &Look) -> &'static str {
    if look.background == Background::Dark { "dark" } else { "" }
}

/// SHA-256 of a text as the policy of a page names it.
fn hash(text: &str) -> String {
    STANDARD.encode(Sha256::digest(text.as_bytes()))
}

/// The elements that carry the data: `scene` says what the others are.
fn write_data(scene: &Scene<'_>, look: &Look, sink: &mut impl Write) -> io::Result<()> {
    let ids = scene.ids.filter(|ids| ids.len() <= MOST_IDS);
    let mut steps: Vec<Value> =
        scene.snapshots.iter().map(|step| json!({"name": format!("iteration {}", step.iteration)})).collect();
    steps.push(json!({"name": "final map"}));
    let palette = look.palette;
    let colors = |background: Background| {
        let ramp = palette.ramp(background);
        let ramp = (0..RAMP).map(|step| ramp.at(f64::from(step) / f64::from(RAMP - 1)).to_string());
        json!({
            "plain": palette.plain(background).to_string(),
            "missing": background.missing().to_string(),
            "ramp": ramp.collect::<Vec<_>>(),
        })
    };
    let about = json!({
        "points": scene.positions.len(),
        "title": scene.title,
        "caption": scene.caption,
        "facts": scene.facts,
        "steps": steps,
        "hasIds": ids.is_some(),
        "idsLeftOut": scene.ids.is_some() && ids.is_none(),
        "theme": theme(look),
        "light": colors(Background::White),
        "dark": colors(Background::Dark),
        "colorings": scene.colorings.iter().map(|coloring| described(coloring, palette)).collect::<Vec<_>>(),
    });
    write_json("scene", &about, sink)?;
    if let Some(ids) = ids {
        write_json("ids", &json!(ids), sink)?;
    }
    let finals = scene.snapshots.iter().map(|step| step.positions.as_slice()).chain([scene.positions]);
    for (k, positions) in finals.enumerate() {
        let square = Square::around(positions);
        let places = positions.iter().flat_map(|&y| square.place(y)).flat_map(u16::to_le_bytes);
        write_bytes(&format!("positions-{k}"), places, sink)?;
    }
    for (k, coloring) in scene.colorings.iter().enumerate() {
        let id = format!("coloring-{k}");
        match *coloring {
            Coloring::Classes { codes, texts, .. } => {
                let width = code_width(texts.len());
                let bytes = codes.iter().flat_map(|code| code.to_le_bytes().into_iter().take(width));
                write_bytes(&id, bytes, sink)?;
            }
            Coloring::Values { values, .. } => {
                let range = range(values);
                let bytes = values.iter().flat_map(|&x| fraction(x, range).to_le_bytes());
                write_bytes(&id, bytes, sink)?;
            }
        }
    }
    Ok(())
}

/// What the viewer must know of a coloring besides its numbers.
fn described(coloring: &Coloring<'_>, palette: Palette) -> Value {
    match coloring {
        Coloring::Classes { name, texts, .. } => {
            let ranks = legend::ranks(texts);
            let mut order = vec![0; ranks.len()];
            for (class, &rank) in ranks.iter().enumerate() {
                order[rank] = class;
            }
            let colors = |background| {
                let by_rank = palette.classes(texts.len(), background);
                ranks.iter().map(|&rank| by_rank[rank].to_string()).collect::<Vec<_>>()
            };
            json!({
                "kind": "classes",
                "name": name,
                "texts": texts,
                "order": order,
                "width": code_width(texts.len()),
                "light": colors(Background::White),
                "dark": colors(Background::Dark),
            })
        }
        Coloring::Values { name, values } => {
            let (low, high) = range(values);
            json!({"kind": "values", "name": name, "low": low, "high": high})
        }
    }
}

/// Bytes of a code below `n_classes`.
fn code_width(n_classes: usize) -> usize {
    match n_classes {
        0..=0x100 => 1,
        0x101..=0x1_0000 => 2,
        _ => 4,
    }
}

/// Smallest and largest of the finite values, (0, 0) if there are none.
fn range(values: &[f64]) -> (f64, f64) {
    let finite = || values.iter().copied().filter(|x| x.is_finite());
    finite()
        .fold(None, |seen: Option<(f64, f64)>, x| {
            Some(seen.map_or((x, x), |(low, high)| (low.min(x), high.max(x))))
        })
        .unwrap_or((0.0, 0.0))
}

/// Where a value lies in a range, in 0..=1; NaN for what is not finite. Halves cannot overflow.
#[allow(clippy::cast_possible_truncation, reason = "seven digits of the range are kept")]
fn fraction(x: f64, (low, high): (f64, f64)) -> f32 {
    if !x.is_finite() {
        return f32::NAN;
    }
    let span = high / 2.0 - low / 2.0;
    if span > 0.0 { ((x / 2.0 - low / 2.0) / span) as f32 } else { 0.0 }
}

/// The square around a map, in which positions are counted in steps of 1/65535 of its side.
struct Square {
    /// Halves of the coordinates of the middle, and of the side: sums of them cannot overflow.
    half_center: [f64; 2],
    half_side: f64,
}

impl Square {
    fn around(positions: &[[f64; 2]]) -> Self {
        let bounds = [0, 1].map(|axis| {
            let values: Vec<f64> = positions.iter().map(|y| y[axis]).collect();
            range(&values)
        });
        let half_center = bounds.map(|(low, high)| low / 4.0 + high / 4.0);
        let half_side = bounds.map(|(low, high)| high / 2.0 - low / 2.0).into_iter().fold(0.0, f64::max);
        Self { half_center, half_side }
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the conversion saturates")]
    fn place(&self, position: [f64; 2]) -> [u16; 2] {
        let share = |axis: usize| {
            let offset = position[axis] / 2.0 - self.half_center[axis];
            if self.half_side > 0.0 { 0.5 + offset / self.half_side } else { 0.5 }
        };
        [0, 1].map(|axis| (share(axis) * f64::from(u16::MAX)).round() as u16)
    }
}

/// JSON in which nothing ends an element, starts a comment or an entity, or is a line end to JavaScript alone. These
/// characters stand in texts only, where JSON lets any character be written by its number.
fn write_json(id: &str, value: &Value, sink: &mut impl Write) -> io::Result<()> {
    let mut out = String::new();
    for c in value.to_string().chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                write!(out, "\\u{:04x}", u32::from(c)).expect("strings take everything");
            }
            _ => out.push(c),
        }
    }
    writeln!(sink, "<script type=\"application/json\" id=\"{id}\">{out}</script>")
}

/// Bytes as base64, in an element that is not executed.
fn write_bytes(id: &str, bytes: impl Iterator<Item = u8>, sink: &mut impl Write) -> io::Result<()> {
    write!(sink, "<script type=\"application/octet-stream\" id=\"{id}\">")?;
    let mut encoder = EncoderWriter::new(&mut *sink, &STANDARD);
    let mut block = Vec::with_capacity(1 << 15);
    let mut bytes = bytes.peekable();
    while bytes.peek().is_some() {
        block.clear();
        block.extend(bytes.by_ref().take(1 << 15));
        encoder.write_all(&block)?;
    }
    encoder.finish()?;
    drop(encoder);
    writeln!(sink, "</script>")
}

/// A text in HTML, inside an element or a quoted attribute.
fn escaped_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::scene::Snapshot;
    use super::*;

    fn scene(positions: &[[f64; 2]]) -> Scene<'_> {
        Scene {
            positions,
            colorings: Vec::new(),
            ids: None,
            title: "map".to_owned(),
            caption: String::new(),
            facts: Vec::new(),
            snapshots: Vec::new(),
        }
    }

    fn page(scene: &Scene<'_>) -> String {
        let mut out = Vec::new();
        write(scene, &Look::default(), b"picture", &mut out).expect("memory takes everything");
        String::from_utf8(out).expect("pages are text")
    }

    /// What stands in the element that begins with `start`.
    fn content<'a>(page: &'a str, start: &str) -> &'a str {
        let (_, rest) = page.split_once(start).unwrap_or_else(|| panic!("{start} is there"));
        rest.split_once("</").expect("the element ends").0
    }

    fn json_of(page: &str, id: &str) -> Value {
        serde_json::from_str(element(page, id).expect("the element is there")).expect("JSON")
    }

    fn bytes_of(page: &str, id: &str) -> Vec<u8> {
        STANDARD.decode(element(page, id).expect("the element is there")).expect("base64")
    }

    #[test]
    fn the_viewer_is_small_and_names_no_address() {
        assert!(SCRIPT.len() <= 60_000, "the script has {} bytes", SCRIPT.len());
        for part in [SCRIPT, STYLE, TEMPLATE] {
            assert!(!part.contains("://") && !part.contains("@import"), "no address in {}", &part[..40]);
        }
        for ending in ["</script", "<!--", "<script", "innerHTML", "outerHTML", "insertAdjacent", "eval("] {
            assert!(!SCRIPT.contains(ending), "{ending} in the script");
        }
        assert!(!STYLE.contains("</"), "no end in the style");
    }

    #[test]
    fn the_policy_allows_this_script_and_this_style() {
        let page = page(&scene(&[[0.0, 0.0], [1.0, 1.0]]));
        let policy =
            content(&page, "Content-Security-Policy\" content=\"").split_once('"').expect("a policy").0;
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
        for (directive, start) in [("script-src", "\n<script>"), ("style-src", "<style>")] {
            let hash = STANDARD.encode(Sha256::digest(content(&page, start)));
            assert!(policy.contains(&format!("{directive} 'sha256-{hash}';")), "{directive} of {policy}");
        }
        assert!(!page.contains("{{"), "everything is filled in");
    }

    #[test]
    fn texts_can_hold_anything() {
        let hostile = "</script><!--<script>&lt;'\"\u{2028}\u{2029}\\{{title}}";
        let (texts, ids) = ([hostile.to_owned()], [hostile.to_owned(), String::new()]);
        let positions = [[0.0, 0.0], [1.0, 1.0]];
        let scene = Scene {
            colorings: vec![Coloring::Classes { name: hostile, codes: &[0, 0], texts: &texts }],
            ids: Some(&ids),
            title: hostile.to_owned(),
            caption: hostile.to_owned(),
            facts: vec![(hostile.to_owned(), hostile.to_owned())],
            ..scene(&positions)
        };
        let page = page(&scene);
        let about = json_of(&page, "scene");
        assert_eq!(about["colorings"][0]["texts"], json!([hostile]), "a label comes back");
        assert_eq!(about["facts"], json!([[hostile, hostile]]), "a fact comes back");
        assert_eq!(json_of(&page, "ids"), json!(ids), "ids come back");
        for id in ["scene", "ids"] {
            let raw = content(&page, &format!("id=\"{id}\">"));
            assert!(!raw.contains(['<', '>', '&', '\u{2028}', '\u{2029}']), "{raw}");
        }
        assert!(page.contains("<title>&lt;/script&gt;&lt;!--"), "the title is text");
    }

    #[test]
    fn positions_have_equal_scales_whatever_they_are() {
        let square = Square::around(&[[-3.0, 1.0], [5.0, 3.0]]);
        assert_eq!(square.place([-3.0, 2.0]), [0, 32768], "the left end, half up");
        assert_eq!(square.place([5.0, 2.0]), [65535, 32768], "the right end");
        let [low, high] = [1.0, 3.0].map(|y| square.place([1.0, y])[1]);
        // A quarter of the side, give or take the rounding of both ends.
        assert!((high - low).abs_diff(65535 / 4) <= 1, "two of eight units, y upwards: {low} to {high}");
        for huge in [1e-300, 7e300, f64::MAX] {
            let square = Square::around(&[[-huge, 0.0], [huge, 0.0]]);
            assert_eq!(
                [-huge, huge].map(|x| square.place([x, 0.0])[0]),
                [0, 65535],
                "a map as wide as {huge:e}"
            );
        }
        assert_eq!(
            Square::around(&[[4.0, 4.0]]).place([4.0, 4.0]),
            [32768; 2],
            "a single point is in the middle"
        );
    }

    #[test]
    fn numbers_become_shares_of_their_range() {
        let values = [f64::MAX, -f64::MAX, f64::NAN, 0.0, f64::INFINITY];
        let shares = values.map(|x| fraction(x, range(&values)));
        assert_eq!([shares[0], shares[1], shares[3]], [1.0, 0.0, 0.5], "ends and middle");
        assert!(shares[2].is_nan() && shares[4].is_nan(), "what is not a finite number is missing");
        assert_eq!(fraction(5.0, range(&[5.0, 5.0])), 0.0, "a range of one value");
        assert_eq!(range(&[f64::NAN]), (0.0, 0.0), "no value at all");
    }

    #[test]
    fn every_array_is_as_wide_as_it_must_be() {
        let positions: Vec<[f64; 2]> = (0..70_000).map(|i| [f64::from(i), 0.0]).collect();
        let codes: Vec<u32> = (0..70_000).collect();
        for (n_classes, width) in [(256, 1), (257, 2), (65_536, 2), (65_537, 4)] {
            let texts: Vec<String> = (0..n_classes).map(|class| class.to_string()).collect();
            let codes: Vec<u32> = codes.iter().map(|code| code % n_classes).collect();
            let colorings = vec![Coloring::Classes { name: "class", codes: &codes, texts: &texts }];
            let page = page(&Scene { colorings, ..scene(&positions) });
            assert_eq!(json_of(&page, "scene")["colorings"][0]["width"], width, "{n_classes} classes");
            let bytes = bytes_of(&page, "coloring-0");
            assert_eq!(bytes.len(), 70_000 * width, "{n_classes} classes");
            let mut last = [0; 4];
            last[..width].copy_from_slice(&bytes[bytes.len() - width..]);
            assert_eq!(u32::from_le_bytes(last), codes[69_999], "{n_classes} classes");
        }
        let values: Vec<f64> = positions.iter().map(|y| y[0]).collect();
        let snapshots = vec![Snapshot { iteration: 50, positions: positions.clone() }];
        let colorings = vec![Coloring::Values { name: "value", values: &values }];
        let page = page(&Scene { colorings, snapshots, ..scene(&positions) });
        assert_eq!(
            json_of(&page, "scene")["steps"],
            json!([{"name": "iteration 50"}, {"name": "final map"}])
        );
        assert_eq!(bytes_of(&page, "positions-0"), bytes_of(&page, "positions-1"), "both steps are there");
        assert_eq!(
            bytes_of(&page, "coloring-0")[4 * 69_999..],
            1.0_f32.to_le_bytes(),
            "the last value is the largest"
        );
    }

    #[test]
    fn too_many_ids_are_left_out_and_the_page_says_so() {
        for (n, are_in) in [(MOST_IDS, true), (MOST_IDS + 1, false)] {
            let (positions, ids) = (vec![[0.0, 0.0]; n], vec![String::new(); n]);
            let page = page(&Scene { ids: Some(&ids), ..scene(&positions) });
            let about = json_of(&page, "scene");
            assert_eq!([&about["hasIds"], &about["idsLeftOut"]], [are_in, !are_in], "{n} points");
        }
    }
}
