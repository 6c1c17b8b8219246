//! The first thing people run.

use crate::{Directory, positions};

#[test]
fn ten_digits_stand_apart() {
    let directory = Directory::with("digits.png", "an old picture");
    directory.made("demo");
    directory.made("demo -q");
    assert_eq!(directory.names(), ["digits.csv", "digits.png"], "two files, overwritten without being asked");
    assert!(directory.read("digits.png").starts_with(b"\x89PNG"), "a picture");

    let csv = directory.text("digits.csv");
    assert_eq!(csv.lines().next(), Some("x,y,label"), "columns");
    let labels: Vec<&str> = csv.lines().skip(1).filter_map(|line| line.split(',').nth(2)).collect();
    let map = positions(&csv);
    assert_eq!((labels.len(), map.len()), (1797, 1797), "all digits");
    let hits = (0..map.len()).filter(|&i| vote(&map, &labels, i) == labels[i]).count();
    #[allow(clippy::cast_precision_loss, reason = "few digits")]
    let accuracy = hits as f64 / map.len() as f64;
    assert!(
        accuracy >= 0.97,
        "leave-one-out label accuracy of the 10 nearest is {accuracy}, at least 0.97 is owed"
    );
}

/// The label most of the 10 points nearest to point `i` bear; among equals that of the nearest.
fn vote<'a>(map: &[Vec<f64>], labels: &[&'a str], i: usize) -> &'a str {
    let distance = |j: usize| (map[i][0] - map[j][0]).hypot(map[i][1] - map[j][1]);
    let mut others: Vec<usize> = (0..map.len()).filter(|&j| j != i).collect();
    others.sort_by(|&a, &b| distance(a).total_cmp(&distance(b)));
    let nearest: Vec<&str> = others[..10].iter().map(|&j| labels[j]).collect();
    let count = |label: &str| nearest.iter().filter(|&&other| other == label).count();
    nearest.iter().copied().rev().max_by_key(|&label| count(label)).expect("ten neighbors")
}
