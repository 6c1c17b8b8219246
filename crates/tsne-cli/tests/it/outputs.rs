//! What is written: the same map in every form, with labels and ids, and what is said about it.

use serde_json::Value;

use crate::plot::{count_color, decoded};
use crate::{Directory, positions, two_groups};

#[test]
fn every_kind_holds_the_same_map() {
    let directory = Directory::with("d.csv", two_groups(20));
    directory.made("fit d.csv -o m.csv -o m.tsv -o m.npy -o m.png -o m.json --label group --perplexity 5 -q");
    assert_eq!(
        directory.names(),
        ["d.csv", "m.csv", "m.json", "m.npy", "m.png", "m.tsv"],
        "nothing else is left"
    );
    let csv = directory.text("m.csv");
    assert_eq!(csv.lines().next(), Some("x,y,label"), "header");
    assert!(
        csv.lines().skip(1).step_by(2).all(|line| line.ends_with(",left")),
        "labels in the order of the rows"
    );
    assert_eq!(directory.text("m.tsv"), csv.replace(',', "\t"), "TSV");

    let npy = directory.read("m.npy");
    let header = String::from_utf8_lossy(&npy[..128]);
    assert!(header.contains("'descr': '<f4', 'fortran_order': False, 'shape': (40, 2)"), "{header}");
    let values: Vec<f64> =
        npy[128..].chunks_exact(4).map(|b| f64::from(f32::from_le_bytes([b[0], b[1], b[2], b[3]]))).collect();
    let as_f32: Vec<f64> = csv
        .lines()
        .skip(1)
        .flat_map(|line| line.split(',').take(2).map(|x| f64::from(x.parse::<f32>().expect("a number"))))
        .collect();
    assert_eq!(values, as_f32, "CSV holds the shortest text of each f32");

    let report: Value = serde_json::from_slice(&directory.read("m.json")).expect("JSON");
    assert_eq!(report["plan"]["perplexity"][0], 5.0, "the plan");
    assert_eq!(report["plan"]["neighbors"], "exact", "the choice");
    assert_eq!(report["data"]["n_classes"], 2, "the data");
    assert_eq!(report["random_state"], 42, "the seed");
    assert_eq!(report["n_iter"], 750, "iterations");
    assert!(report["kl_divergence"].as_f64().is_some_and(|kl| kl > 0.0 && kl < 2.0), "{report}");
    assert!(
        report["configuration"].as_str().is_some_and(|toml| toml.contains("perplexity = 5\n")),
        "{report}"
    );
    let stages = report["stage_seconds"].as_object().expect("stages");
    for stage in
        ["read", "neighbors", "affinities", "initialization", "early exaggeration", "optimization", "write"]
    {
        assert!(stages[stage].as_f64().is_some_and(|seconds| seconds > 0.0), "{stage}: {report}");
    }
    assert_eq!(stages.len(), 7, "and no other: {report}");
    assert!(report["neighbors_found_estimate"].is_null(), "an exact search estimates nothing: {report}");
    assert!(report["plan"]["n_threads"].as_u64().is_some_and(|threads| threads > 0), "{report}");
    assert!(
        report["plan"]["neighbors_reason"].as_str().is_some_and(|why| why.starts_with("auto")),
        "{report}"
    );
    assert_eq!(report["versions"]["tsne"], env!("CARGO_PKG_VERSION"), "versions");
    #[cfg(target_os = "linux")]
    assert!(report["peak_memory_bytes"].as_u64().is_some_and(|bytes| bytes > 1 << 20), "{report}");
    let warnings = report["warnings"].as_array().expect("warnings");
    let codes: Vec<&str> = warnings.iter().filter_map(|warning| warning["code"].as_str()).collect();
    assert_eq!(codes, ["W05"], "two groups far apart are two components: {report}");
}

#[test]
fn components_and_precision_show_in_the_files() {
    let directory = Directory::with("d.csv", two_groups(20));
    let flags = "--label group --id a --perplexity 5 -q --precision f64";
    directory.made(&format!("fit d.csv -o m3.npy -o m3.csv -o m3.png --n-components 3 {flags}"));
    let npy = directory.read("m3.npy");
    let header = String::from_utf8_lossy(&npy[..128]);
    assert!(header.contains("'<f8'") && header.contains("(40, 3)"), "{header}");
    assert_eq!(directory.text("m3.csv").lines().next(), Some("x,y,z,label,id"), "header");
    directory.made(&format!("fit d.csv -o m1.csv -o m1.png --n-components 1 {flags}"));
    assert_eq!(directory.text("m1.csv").lines().next(), Some("x,label,id"), "header");
    assert_eq!(
        directory.text("m1.csv").lines().nth(1).map(|line| line.ends_with(",left,0")),
        Some(true),
        "ids"
    );
}

#[test]
fn pictures_show_points_and_a_legend() {
    let directory = Directory::with("d.csv", two_groups(20));
    directory.made("fit d.csv -o with.png --label group --perplexity 5 -q");
    directory.made("fit d.csv -o without.png --drop group --perplexity 5 -q");
    let (width, height, pixels) = decoded(&directory.read("with.png"));
    let (plain_width, plain_height, plain_pixels) = decoded(&directory.read("without.png"));
    assert_eq!(height, plain_height, "the points take the same space");
    assert!(width > plain_width, "a legend stands beside them");
    let (blue, orange) = ([0x44, 0x6a, 0xae], [0xff, 0x97, 0x13]);
    assert!(
        count_color(&pixels, blue) > 2000 && count_color(&pixels, orange) > 2000,
        "both classes are seen"
    );
    assert!(
        count_color(&plain_pixels, orange) == 0 && count_color(&plain_pixels, blue) > 4000,
        "one color without labels"
    );
}

#[test]
fn many_and_strange_labels_are_drawn() {
    let names = [
        "",
        "\"a,b\"",
        "été",
        "数",
        "\"two\nlines\"",
        "a_very_long_name_indeed_that_has_to_be_cut_somewhere_in_it",
    ];
    let mut text = "x,y,kind\n".to_owned();
    for i in 0..200 {
        let name = names.get(i).map_or_else(|| (i % 70).to_string(), |name| (*name).to_owned());
        text += &format!("{},{},{name}\n", i * 7 % 31, i * i % 17);
    }
    let directory = Directory::with("d.csv", text);
    directory.made("fit d.csv -o m.png -o m.csv --label kind --perplexity 5 --n-iter 20 -q");
    decoded(&directory.read("m.png"));
    let csv = directory.text("m.csv");
    assert!(
        csv.contains(",\"two\nlines\"\n") && csv.contains(",\"a,b\"\n") && csv.contains(",été\n"),
        "labels pass"
    );
}

#[test]
fn an_existing_file_is_overwritten_only_when_told() {
    let directory = Directory::with("d.csv", two_groups(10));
    std::fs::write(directory.0.join("m.csv"), "old").expect("writes");
    assert_eq!(directory.tsne("fit d.csv -o m.csv --label group -q").status, Some(7), "refused");
    assert_eq!(directory.text("m.csv"), "old", "and left alone");
    directory.made("fit d.csv -o m.csv --label group -q --force");
    assert_eq!(positions(&directory.text("m.csv")).len(), 20, "overwritten");
}

#[test]
fn arrays_and_archives_are_read() {
    let directory = Directory::new();
    let bytes: Vec<u8> = (0..120_u32).map(|i| u8::try_from(i * i % 251).expect("below 256")).collect();
    let mut npy = Vec::new();
    tsne_io::write_npy(&mut npy, &[40, 3], &bytes).expect("memory takes all");
    std::fs::write(directory.0.join("d.npy"), npy).expect("writes");
    let said = directory.made("fit d.npy -o m.csv --label 3 --perplexity 5 --progress none");
    assert!(said.contains("Input  d.npy: 40 rows of 2 features, numpy array of |u1"), "{said}");

    let file = std::fs::File::create(directory.0.join("d.npz")).expect("creates");
    let mut archive = tsne_io::NpzWriter::new(file);
    archive.array("x", &[40, 3], &bytes).expect("writes");
    let labels: Vec<i64> = (0..40).map(|i| i % 4).collect();
    archive.array("y", &[40], &labels).expect("writes");
    archive.finish().expect("writes");
    let said = directory.made("fit d.npz -o z.csv --label y --perplexity 5 --progress none");
    assert!(said.contains("array x of |u1, 4 classes of y"), "{said}");
}

#[test]
fn the_guess_is_reported_and_can_be_overruled() {
    let directory = Directory::with("d.tsv", two_groups(10).replace(',', "\t"));
    let said = directory.made("fit d.tsv -o a.csv --label group --progress none");
    assert!(
        said.contains(
            "Input  d.tsv: 20 rows of 3 features, tab-separated text with a header, 2 classes of group"
        ),
        "{said}"
    );
    let said = directory.made("fit d.tsv -o b.csv --label 4 --progress none --delimiter tab --header");
    assert!(said.contains("with a header"), "{said}");
    let outcome = directory.tsne("fit d.tsv -o c.csv --no-header");
    assert!(outcome.stderr.contains("error E104"), "the header is no row of numbers: {}", outcome.stderr);
}

#[test]
fn messages_are_as_loud_as_asked() {
    let directory = Directory::with("d.csv", two_groups(10));
    let made = |flags: &str| {
        directory.made(&format!("fit d.csv -o m.csv --force --label group --perplexity 3 {flags}"))
    };
    assert_eq!(made("-q"), "", "quiet");
    let plain = made("");
    let lines = |text: &str, start: &str| text.lines().filter(|line| line.starts_with(start)).count();
    assert_eq!(lines(&plain, "optimization"), 10, "a line every 50 iterations: {plain}");
    assert_eq!(lines(&made("--progress none"), "optimization"), 0, "no progress");
    assert_eq!(lines(&made("--progress none --verbose"), "Time "), 5, "the time of each stage");
    assert_eq!(lines(&made("--callbacks-every-iters 100"), "optimization"), 5, "a line every 100 iterations");
    let json = made("--progress json");
    let events: Vec<Value> = json.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let last = events.last().expect("events");
    assert_eq!((&last["stage"], &last["iteration"]), (&"optimization".into(), &500.into()), "{json}");
    assert!(events.iter().any(|event| event["stage"] == "neighbors"), "every stage is announced: {json}");
}

#[test]
fn progress_for_programs_says_how_far_it_is_and_how_long_it_takes() {
    let directory = Directory::with("d.csv", two_groups(40));
    let flags = "--label group --perplexity 5 --callbacks-every-iters 25 --progress json";
    let said = directory.made(&format!("fit d.csv -o m.csv -o m.ckpt --n-iter 100 {flags}"));
    let events = |said: &str| -> Vec<Value> {
        said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    };
    let number = |event: &Value, key: &str| event[key].as_f64().unwrap_or_else(|| panic!("{key} of {event}"));
    let of_fit = events(&said);
    let iterations: Vec<&Value> = of_fit.iter().filter(|event| event["iteration"].is_u64()).collect();
    assert_eq!(iterations.len(), 14, "every 25 of 350 iterations: {said}");
    for event in &iterations {
        let (elapsed, eta) = (number(event, "elapsed_s"), number(event, "eta_s"));
        assert!(elapsed > 0.0 && eta > 0.0, "{event}");
        assert!(
            number(event, "kl") > 0.0 && number(event, "n_iter") >= number(event, "iteration"),
            "{event}"
        );
    }
    let last = iterations.last().expect("iterations");
    // One iteration is left, of a hundred that took less time than all.
    assert!(number(last, "eta_s") <= number(last, "elapsed_s") / 99.0, "{last}");
    let spans: Vec<f64> = iterations.iter().map(|event| number(event, "span")).collect();
    assert!(spans[13] > 10.0 && spans[13] > spans[0], "the map grows: {spans:?}");
    let map = positions(&directory.text("m.csv"));
    let extent = |axis: usize| {
        let along = map.iter().map(|y| y[axis]);
        along.clone().fold(f64::MIN, f64::max) - along.fold(f64::MAX, f64::min)
    };
    let span = extent(0).max(extent(1));
    // Seen before the last step, which moves no point by more than 5.
    assert!((spans[13] - span).abs() <= 10.0, "{} at last, {span} in the file", spans[13]);
    for event in &of_fit {
        if cfg!(target_os = "linux") {
            let bytes = number(event, "rss_bytes");
            assert!((1e6..1e10).contains(&bytes), "{event}");
        } else {
            assert!(event["rss_bytes"].is_u64() || event["rss_bytes"].is_null(), "{event}");
        }
    }
    // A run that is gone on with counts what it has to do, not what was done before.
    let said = directory.made("resume m.ckpt --n-iter 60 --force --progress json");
    let of_rest = events(&said);
    let seen: Vec<&Value> = of_rest.iter().filter(|event| event["iteration"].is_u64()).collect();
    let last = seen.last().unwrap_or_else(|| panic!("an iteration is seen: {said}"));
    assert!(number(last, "iteration") > 100.0 && last["n_iter"] == 160, "{last}");
    assert!(number(last, "eta_s") <= number(last, "elapsed_s"), "most is behind it: {last}");
}
