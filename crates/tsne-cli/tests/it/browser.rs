//! The HTML file in a real browser: what it draws, what it answers, what it does with hostile texts, and that it asks for
//! nothing.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Directory;
use super::chromium::{Browser, Picture, STAGE, WINDOW};

const GROUPS: [&str; 4] = ["left", "right", "low", "alone"];

/// Full opacity and no names over the points, so that colors are on the screen as they are in the legend.
const PLAIN: &str = "#opacity=2&names=off";

/// Four groups far apart: three of 40 points in a disc, and one point of its own.
fn groups_csv() -> String {
    let mut csv = "x,y,name,group,score\n".to_owned();
    let centers = [[-10.0, 0.0], [10.0, 0.0], [0.0, -7.0], [0.0, 7.0]];
    for i in 0..121 {
        let group = if i == 120 { 3 } else { i % 3 };
        let (angle, radius) =
            (i as f64 * 2.4, if group == 3 { 0.0 } else { (i as f64 / 120.0).sqrt() * 2.0 });
        let [x, y] = [centers[group][0] + radius * angle.cos(), centers[group][1] + radius * angle.sin()];
        writeln!(csv, "{x},{y},point-{i},{},{}", GROUPS[group], i * 10).expect("a text");
    }
    csv
}

/// A directory with `map.html` of the four groups.
fn groups() -> Directory {
    let directory = Directory::with("map.csv", groups_csv());
    directory.made("plot map.csv --id name --label group --color-by score -o map.html");
    directory
}

/// Colors of the classes in the legend, by the order in which they appear in the data.
fn colors(browser: &mut Browser, n_classes: usize) -> Vec<[u8; 3]> {
    let color = |code: usize| {
        let swatch = format!("document.querySelector('#classes [data-code=\"{code}\"] i')");
        let css = browser.text(&format!("getComputedStyle({swatch}).backgroundColor"));
        let channels: Vec<u8> =
            css.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect();
        [channels[0], channels[1], channels[2]]
    };
    (0..n_classes).map(color).collect()
}

/// The page is well: it asked for nothing but itself, and nothing in it complained.
fn assert_well(browser: &Browser) {
    assert_eq!(browser.requests(), [""; 0], "no request leaves the page");
    assert_eq!(browser.complaints(), [""; 0], "nothing complains");
}

fn distance(a: [f64; 2], b: [f64; 2]) -> f64 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

fn entry(code: usize) -> String {
    format!("#classes [data-code=\"{code}\"]")
}

#[test]
fn points_are_drawn_and_the_view_moves() {
    let Some(mut browser) = Browser::start(&[]) else { return };
    let directory = groups();
    let map = directory.0.join("map.html");
    browser.open_map(&map, PLAIN);
    assert_eq!(
        browser.text("document.getElementById('stage').dataset.renderer"),
        "WebGL2",
        "how it is drawn"
    );
    let colors = colors(&mut browser, 4);
    let spots = |picture: &Picture| colors.iter().map(|&color| picture.spot(color)).collect::<Vec<_>>();
    let home = spots(&browser.screenshot());
    for (group, (_, n)) in GROUPS.iter().zip(&home) {
        // The smallest group is one disc of some pixels.
        assert!(*n > 20, "{group} has {n} pixels");
    }
    let [left, right, low, high] = [0, 1, 2, 3].map(|group| home[group].0);
    assert!(left[0] + 400.0 < right[0] && high[1] + 300.0 < low[1], "as on the map, y upwards: {home:?}");

    browser.drag(&[[400.0, 300.0], [370.0, 320.0], [340.0, 340.0]], 0);
    let moved = spots(&browser.screenshot())[1].0;
    assert!(distance(moved, [right[0] - 60.0, right[1] + 40.0]) < 1.5, "{right:?} dragged to {moved:?}");
    assert!(browser.text("location.hash").contains("view="), "the address holds the view");

    // Twice on nothing: home.
    browser.click([300.0, 700.0], 2);
    browser.settle();
    let back = spots(&browser.screenshot())[1].0;
    assert!(distance(back, right) < 1.0, "{right:?} came back to {back:?}");
    assert!(!browser.text("location.hash").contains("view="), "the address is that of the opened page");

    browser.wheel([450.0, 400.0], 200.0);
    let far = spots(&browser.screenshot());
    let ratio = distance(far[0].0, far[1].0) / distance(left, right);
    assert!((ratio - (-0.4_f64).exp()).abs() < 0.01, "the wheel has shrunk the map to {ratio}");
    browser.press("#home", 1);

    browser.eval("document.getElementById('overlay').focus()");
    browser.key("ArrowRight");
    let stepped = spots(&browser.screenshot())[1].0;
    assert!(
        (right[0] - stepped[0] - STAGE as f64 / 10.0).abs() < 1.5,
        "{right:?} went by key to {stepped:?}"
    );
    browser.key("0");

    let around = |d: f64| [right[0] + d, right[1] + d * 0.8];
    browser.drag(&[around(-160.0), around(0.0), around(160.0)], 8);
    let close = spots(&browser.screenshot());
    assert!(close[1].1 > 2 * home[1].1 && close[0].1 == 0, "the rectangle fills the window: {close:?}");
    assert_well(&browser);
}

#[test]
fn points_answer_and_classes_are_switched() {
    let Some(mut browser) = Browser::start(&[]) else { return };
    let directory = groups();
    browser.open_map(&directory.0.join("map.html"), PLAIN);
    let colors = colors(&mut browser, 4);
    let alone = browser.screenshot().spot(colors[3]).0;

    browser.move_to(alone);
    browser.wait_for("!document.getElementById('tooltip').hidden");
    let tooltip = browser.text("document.getElementById('tooltip').innerText.replaceAll('\\n', ' ')");
    assert_eq!(
        tooltip.split_whitespace().collect::<Vec<_>>().join(" "),
        "point-120 row 120 group alone score 1200"
    );
    browser.move_to([300.0, 700.0]);
    browser.wait_for("document.getElementById('tooltip').hidden");

    browser.click(alone, 1);
    browser.settle();
    let pins = browser.text("document.getElementById('pins').innerText");
    assert!(pins.contains("point-120") && pins.contains("alone"), "{pins:?}");
    assert!(browser.text("location.hash").contains("pin=120"), "the address holds the pin");
    browser.click(alone, 1);
    browser.settle();
    assert_eq!(
        browser.eval("document.getElementById('pins-section').hidden"),
        json!(true),
        "a second click unpins"
    );

    let seen = |browser: &mut Browser| {
        let picture = browser.screenshot();
        colors.iter().map(|&color| picture.count(color) > 0).collect::<Vec<_>>()
    };
    assert_eq!(browser.text("document.querySelector('#classes [data-code=\"1\"] small').textContent"), "40");
    browser.press(&entry(1), 1);
    assert_eq!(seen(&mut browser), [true, false, true, true], "right is hidden");
    browser.press(&entry(0), 2);
    assert_eq!(seen(&mut browser), [true, false, false, false], "left is alone");
    browser.press("#classes-all", 1);
    assert_eq!(seen(&mut browser), [true; 4], "all are back");

    browser.eval("document.getElementById('search').focus()");
    browser.type_text("OINT-120");
    assert_eq!(browser.text("document.getElementById('results-note').textContent"), "1 point found");
    assert_eq!(seen(&mut browser), [false, false, false, true], "what is not found is dim");
    browser.key("Enter");
    let found = browser.screenshot().spot(colors[3]).0;
    assert!(distance(found, [STAGE as f64 / 2.0, 400.0]) < 30.0, "the flight ends at the point: {found:?}");
    assert!(
        browser.text("document.getElementById('said').textContent").contains("point-120"),
        "it is read out"
    );
    browser.eval("document.getElementById('search').select()");
    browser.type_text("no such thing");
    assert_eq!(browser.text("document.getElementById('results-note').textContent"), "0 points found");
    browser.key("Escape");
    browser.press("#home", 1);

    let choose = |k: usize| {
        let select = "document.getElementById('coloring')";
        format!(
            "{select}.value = {k}; {select}.dispatchEvent(new Event('change')); document.getElementById('ramp-high').textContent"
        )
    };
    assert_eq!(browser.text(&choose(1)), "1200", "colored by score");
    browser.settle();
    let numbers = browser.screenshot();
    assert!(numbers.colored() > 500 && numbers.count(colors[0]) == 0, "numbers have colors of their own");
    assert_eq!(browser.text(&choose(2)), "dense", "colored by density");
    let summary = browser.text("document.getElementById('summary').textContent");
    assert!(summary.contains("121 points, colored by density"), "{summary}");
    assert_well(&browser);
}

#[test]
fn a_selection_is_counted_and_exported() {
    let Some(mut browser) = Browser::start(&[]) else { return };
    let directory = groups();
    browser.open_map(&directory.0.join("map.html"), PLAIN);
    let color = colors(&mut browser, 4)[1];
    let right = browser.screenshot().spot(color).0;

    browser.press("#tool-lasso", 1);
    let corner = |k: usize| {
        let angle = k as f64 * std::f64::consts::TAU / 24.0;
        [right[0] + 88.0 * angle.cos(), right[1] + 88.0 * angle.sin()]
    };
    browser.drag(&(0..24).map(corner).collect::<Vec<_>>(), 0);
    assert_eq!(browser.text("document.getElementById('selection-count').textContent"), "40 points selected");
    let bars = browser.text("document.getElementById('histogram').innerText.replaceAll('\\n', ' ')");
    assert!(bars.starts_with("right") && bars.contains("40 · 100 %"), "{bars:?}");
    browser.press("#selection-csv", 1);
    let csv = String::from_utf8(browser.download("-selection.csv")).expect("a text");
    let rows = groups_csv();
    let expected: Vec<String> = rows
        .lines()
        .skip(1)
        .enumerate()
        .filter_map(|(row, line)| {
            let (_, kept) = line.split_once(",point").expect("a row");
            line.contains("right").then(|| format!("{row},point{kept}"))
        })
        .collect();
    assert_eq!(csv.lines().next(), Some("row,id,group,score"));
    assert_eq!(csv.lines().skip(1).collect::<Vec<_>>(), expected, "the rows of the group, in order");

    // With shift, another rectangle is added; hidden classes are not chosen.
    browser.press(&entry(2), 1);
    browser.press("#tool-box", 1);
    browser.drag(&[[62.0, 30.0], [400.0, 400.0], [600.0, 780.0]], 8);
    assert_eq!(browser.text("document.getElementById('selection-count').textContent"), "81 points selected");
    browser.press("#selection-clear", 1);
    assert_eq!(browser.eval("document.getElementById('selection-section').hidden"), json!(true), "cleared");

    browser.press("#save-picture", 1);
    let png = browser.download(".png");
    let header = png::Decoder::new(std::io::Cursor::new(png)).read_info().expect("a PNG file");
    let size = (header.info().width as usize, header.info().height as usize);
    assert_eq!(
        size,
        (2 * (STAGE + 220), 2 * (WINDOW[1] as usize + 76)),
        "the view, its legend and its lines"
    );
    assert_well(&browser);
}

#[test]
fn an_address_restores_the_view() {
    let Some(mut browser) = Browser::start(&[]) else { return };
    let directory = groups();
    let map = directory.0.join("map.html");
    browser.open_map(&map, PLAIN);
    let colors = colors(&mut browser, 4);
    browser.wheel([700.0, 400.0], -100.0);
    browser.press(&entry(3), 1);
    browser.press("#theme", 1);
    browser.eval("document.getElementById('search').focus()");
    browser.type_text("right");
    let (before, hash) = (browser.screenshot(), browser.text("location.hash"));

    browser.open_map(&map, &hash);
    let after = browser.screenshot();
    assert_eq!(browser.text("location.hash"), hash, "the address stays");
    assert_eq!(browser.text("document.getElementById('search').value"), "right");
    assert_eq!(browser.text(&format!("document.querySelector('{}').ariaPressed", entry(3))), "false");
    assert_eq!(before.pixel(20, 600), after.pixel(20, 600), "dark is dark again");
    assert!(after.pixel(20, 600)[0] < 64, "and it is dark: {:?}", after.pixel(20, 600));
    let dark = self::colors(&mut browser, 3)[1];
    let [(a, n), (b, m)] = [&before, &after].map(|picture| picture.spot(dark));
    // Five digits of the zoom and a tenth of a map unit are kept.
    assert!(n > 100 && n.abs_diff(m) < n / 20 && distance(a, b) < 0.5, "{n} pixels at {a:?}, {m} at {b:?}");
    assert_eq!(after.count(colors[3]), 0, "what was hidden is hidden");

    for wrong in
        ["#view=1,2", "#view=NaN,1,1&color=99&hide0=77,x&pin=-1,5000&step=9", "#%", "#only0=&size=1e9"]
    {
        browser.open_map(&map, wrong);
        assert_well(&browser);
    }
}

#[test]
fn hostile_texts_are_shown_and_do_nothing() {
    const TEXTS: [&str; 12] = [
        "</script><img src=x onerror=window.hacked=1>",
        "<!--",
        "<!--<script>",
        "line\u{2028}and\u{2029}paragraph",
        "\"double\" 'single' `back` \\ &lt; &amp;",
        "]]>",
        "<svg/onload=window.hacked=1>",
        "${window.hacked=1}{{title}}",
        "javascript:window.hacked=1",
        "=HYPERLINK(\"http://example.com\")",
        "\u{202e}right to left",
        "",
    ];
    let Some(mut browser) = Browser::start(&[]) else { return };
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let long = "very long ".repeat(2000);
    let mut csv = format!("x,y,id,{}\n", quoted("</script><script>window.hacked=1</script>"));
    let texts: Vec<&str> = TEXTS.into_iter().chain([long.trim()]).collect();
    for (i, text) in texts.iter().enumerate() {
        writeln!(csv, "{},{},{},{}", i % 4, i / 4, quoted(&format!("{i}{text}")), quoted(text))
            .expect("a text");
    }
    let directory = Directory::with("map.csv", csv);
    directory
        .made("plot map.csv --id id --label 4 --title </title><script>window.hacked=1</script> -o map.html");
    browser.open_map(&directory.0.join("map.html"), PLAIN);

    let shown = browser
        .eval("[...document.querySelectorAll('#classes button span')].map((span) => span.textContent)");
    let shown: Vec<&str> = shown.as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    assert_eq!(shown.len(), texts.len(), "every class is listed: {shown:?}");
    for text in TEXTS.into_iter().filter(|text| !text.is_empty()).chain(["(empty)"]) {
        assert!(shown.contains(&text), "{text:?} is shown as it is");
    }
    let title = "</title><script>window.hacked=1</script>";
    assert_eq!(browser.text("document.getElementById('title').textContent"), title);
    assert_eq!(browser.text("document.title"), title);

    // Under the pointer, pinned, found, selected: every way into the page.
    let color = colors(&mut browser, 1)[0];
    let first = browser.screenshot().spot(color).0;
    browser.click(first, 1);
    browser.eval("document.getElementById('search').focus()");
    browser.type_text("<");
    browser.press("#tool-box", 1);
    browser.drag(&[[75.0, 10.0], [400.0, 400.0], [900.0, 790.0]], 0);
    let pinned = browser.text("document.querySelector('#pins .link').textContent");
    assert_eq!(pinned, format!("0{}", TEXTS[0]));
    browser.press("#selection-csv", 1);
    let exported = String::from_utf8(browser.download("-selection.csv")).expect("a text");
    assert!(
        exported.contains(&quoted(&long)) || exported.contains(long.trim()),
        "the export is not shortened"
    );

    assert_eq!(browser.eval("window.hacked === undefined"), json!(true), "nothing was executed");
    let elements = browser.eval("['img', 'script:not([type])', 'svg[onload]', 'iframe'].map((s) => document.querySelectorAll(s).length)");
    assert_eq!(elements, json!([1, 1, 0, 0]), "one picture, one script, and nothing that came with the data");
    assert_well(&browser);
}

#[test]
fn without_webgl_the_processor_draws_and_the_page_says_why() {
    let Some(mut browser) = Browser::start(&["--disable-3d-apis"]) else { return };
    let directory = groups();
    browser.open_map(&directory.0.join("map.html"), PLAIN);
    assert_eq!(
        browser.text("document.getElementById('stage').dataset.renderer"),
        "Canvas2D",
        "how it is drawn"
    );
    let notice = browser.text("document.getElementById('notice').innerText");
    // "Drawn without WebGL2, slower: " and a reason, which is the browser's own.
    assert!(notice.contains("without WebGL2") && notice.len() > 45, "{notice:?}");
    let colors = colors(&mut browser, 4);
    let spots: Vec<_> = colors.iter().map(|&color| browser.screenshot().spot(color)).collect();
    assert!(spots.iter().all(|(_, n)| *n > 20), "every group is drawn: {spots:?}");

    browser.move_to(spots[3].0);
    browser.wait_for("document.getElementById('tooltip').innerText.startsWith('point-120')");
    browser.wheel([450.0, 400.0], 200.0);
    let far = browser.screenshot();
    let ratio = distance(far.spot(colors[0]).0, far.spot(colors[1]).0) / distance(spots[0].0, spots[1].0);
    assert!((ratio - (-0.4_f64).exp()).abs() < 0.01, "the wheel has shrunk the map to {ratio}");
    browser.press(&entry(1), 1);
    assert_eq!(browser.screenshot().count(colors[1]), 0, "right is hidden");
    browser.press("#notice-close", 1);
    assert_eq!(
        browser.eval("document.getElementById('notice').hidden"),
        json!(true),
        "the notice can be closed"
    );
    assert_well(&browser);
}

#[test]
fn steps_of_the_descent_are_walked_through() {
    let Some(mut browser) = Browser::start(&[]) else { return };
    let directory = groups();
    // The map as it was before: mirrored.
    let page = directory.text("map.html");
    let (head, rest) = page.split_once("id=\"positions-0\">").expect("positions");
    let (encoded, rest) = rest.split_once('<').expect("an end");
    let mut bytes = STANDARD.decode(encoded).expect("base64");
    for point in bytes.chunks_exact_mut(4) {
        let mirrored = u16::MAX - u16::from_le_bytes([point[0], point[1]]);
        point[..2].copy_from_slice(&mirrored.to_le_bytes());
    }
    let element = "<script type=\"application/octet-stream\" id=\"positions-";
    let before = STANDARD.encode(bytes);
    let page = format!("{head}id=\"positions-0\">{before}</script>{element}1\">{encoded}<{rest}");
    let final_alone = "[{\"name\":\"final map\"}]";
    assert!(page.contains(final_alone), "the map has one step");
    let page = page.replace(final_alone, "[{\"name\":\"iteration 50\"},{\"name\":\"final map\"}]");
    std::fs::write(directory.0.join("steps.html"), page).expect("the directory is writable");

    browser.open_map(&directory.0.join("steps.html"), PLAIN);
    let color = colors(&mut browser, 1)[0];
    let last = browser.screenshot().spot(color).0;
    assert_eq!(browser.text("document.getElementById('step-name').textContent"), "final map");
    let step = "document.getElementById('step')";
    browser.eval(&format!("{step}.value = 0; {step}.dispatchEvent(new Event('input'))"));
    browser.settle();
    assert_eq!(browser.text("document.getElementById('step-name').textContent"), "iteration 50");
    let first = browser.screenshot().spot(color).0;
    // Insets are not the same on both sides of the map.
    assert!(first[0] > last[0] + 400.0 && (first[1] - last[1]).abs() < 3.0, "{last:?} was at {first:?}");
    browser.move_to(first);
    browser.wait_for("document.getElementById('tooltip').innerText.includes('left')");
    browser.press("#play", 1);
    browser.settle();
    let again = browser.screenshot().spot(color).0;
    assert!(distance(again, last) < 1.0, "played to the end: {again:?}");
    assert_well(&browser);
}

#[test]
fn without_scripts_there_is_a_picture() {
    let Some(mut browser) = Browser::start(&[]) else { return };
    let directory = groups();
    browser.call("Emulation.setScriptExecutionDisabled", json!({"value": true}));
    browser.open(&directory.0.join("map.html"), "");
    browser.wait_for("document.readyState === 'complete'");
    assert!(browser.screenshot().colored() > 500, "the still picture is seen");
    assert_well(&browser);
}

#[test]
fn a_million_points_fit_and_answer() {
    let Some(mut browser) = Browser::start(&[]) else { return };
    let mut csv = String::from("x,y,group\n");
    let n = 1_000_000;
    for i in 0..n {
        // Twelve discs on a ring, and the last point in the middle.
        let (angle, radius) =
            ((i % 12) as f64 * std::f64::consts::FRAC_PI_6, ((i / 12) as f64 / 83_334.0).sqrt() * 8.0);
        let turn = i as f64 * 2.4;
        let [x, y] = [50.0 * angle.cos() + radius * turn.cos(), 50.0 * angle.sin() + radius * turn.sin()];
        if i + 1 < n {
            writeln!(csv, "{x:.3},{y:.3},class {}", i % 12).expect("a text");
        } else {
            writeln!(csv, "0,0,middle").expect("a text");
        }
    }
    let directory = Directory::with("map.csv", csv);
    directory.made("plot map.csv --label group -o map.html");
    let size = directory.read("map.html").len();
    assert!(size <= 16_000_000, "a million points take {size} bytes, at most 16 MB are allowed");
    browser.open_map(&directory.0.join("map.html"), "#opacity=2&names=off&size=2");
    assert_eq!(
        browser.text("document.getElementById('stage').dataset.renderer"),
        "WebGL2",
        "how it is drawn"
    );
    let colors = colors(&mut browser, 13);
    let picture = browser.screenshot();
    for color in &colors[..12] {
        assert!(picture.count(*color) > 1000, "{color:?} has {} pixels", picture.count(*color));
    }
    let middle = picture.spot(colors[12]).0;
    browser.move_to(middle);
    browser.wait_for("document.getElementById('tooltip').innerText.includes('middle')");
    assert!(
        browser.text("document.getElementById('tooltip').innerText").contains("row 999\u{202f}999"),
        "its row"
    );
    browser.press(&entry(3), 1);
    assert_eq!(browser.screenshot().count(colors[3]), 0, "a class is hidden");
    browser.drag(&[middle, [middle[0] + 20.0, middle[1]], [middle[0] + 40.0, middle[1]]], 0);
    let moved = browser.screenshot().spot(colors[12]).0;
    assert!(distance(moved, [middle[0] + 40.0, middle[1]]) < 1.5, "{middle:?} dragged to {moved:?}");
    assert_well(&browser);
}
