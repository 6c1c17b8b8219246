//! Maps as text: read back to the same values, whatever the labels hold.

use proptest::prelude::*;
use tsne_io::{Labels, MapTable, ReadOptions, read_table};

use crate::f64s;

fn written(positions: &[f64], labels: Option<&Labels>, ids: Option<&[String]>) -> String {
    let mut bytes = Vec::new();
    MapTable::new(positions, 2, labels, ids).write(&mut bytes, b',').expect("memory takes all");
    String::from_utf8(bytes).expect("text")
}

#[test]
fn columns_and_quotes() {
    let labels = Labels::from_texts("kind", ["plain", "a, \"b\""]);
    let ids = ["r1".to_owned(), "".to_owned()];
    let text = written(&[1.5, -2.0, 1e-7, 3e20], Some(&labels), Some(&ids));
    assert_eq!(
        text, "x,y,label,id\n1.5,-2,plain,r1\n0.0000001,300000000000000000000,\"a, \"\"b\"\"\",\n",
        "coordinates, label, id"
    );
    assert_eq!(written(&[1.0, 2.0], None, None), "x,y\n1,2\n", "coordinates alone");
    let mut bytes = Vec::new();
    MapTable::new(&[1.0_f32, 2.0, 0.1], 3, None, None).write(&mut bytes, b'\t').expect("memory takes all");
    assert_eq!(bytes, b"x\ty\tz\n1\t2\t0.1\n", "three components, tabs, the shortest spelling of the f32");
}

#[test]
fn formulas_of_spreadsheets_are_made_text_where_asked() {
    let labels = Labels::from_texts("kind", ["=1+1", "-x", "plain"]);
    let ids = ["@a,b".to_owned(), "\tq".to_owned(), "'".to_owned()];
    let mut bytes = Vec::new();
    let table = MapTable::new(&[-1.0, 2.0, 3.0], 1, Some(&labels), Some(&ids));
    table.spreadsheet_safe(true).write(&mut bytes, b',').expect("memory takes all");
    let expected = "x,label,id\n-1,'=1+1,\"'@a,b\"\n2,'-x,\"'\tq\"\n3,plain,'\n";
    assert_eq!(String::from_utf8(bytes).expect("text"), expected, "text, not numbers");
}

proptest! {
    #[test]
    fn a_map_reads_back(
        rows in prop::collection::vec((prop::num::f64::NORMAL, prop::num::f64::NORMAL, "[ -~é\n]{0,8}"), 1..10)
    ) {
        let positions: Vec<f64> = rows.iter().flat_map(|row| [row.0, row.1]).collect();
        let labels = Labels::from_texts("label", rows.iter().map(|row| row.2.trim_ascii()));
        let ids: Vec<String> = rows.iter().map(|row| row.2.clone()).collect();
        let text = written(&positions, Some(&labels), Some(&ids));
        let options =
            ReadOptions { label: Some("label".into()), id: Some("id".into()), ..ReadOptions::default() };
        let data = read_table(text.as_bytes(), &options).expect("our own table reads");
        prop_assert_eq!(f64s(&data), &positions[..]);
        let read = data.labels.expect("labels");
        prop_assert!((0..rows.len()).all(|i| read.text(i) == labels.text(i)));
        prop_assert_eq!(data.ids.expect("ids"), ids);
    }
}
