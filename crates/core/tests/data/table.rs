use std::path::Path;

use ognivo_core::data::ImageSet;
use ognivo_core::data::table::{MAX_RECORD, Table, TableOptions};

use crate::common::allocation::peak;
use crate::{assert_says, gzip, message};

fn parse(text: &str) -> ognivo_core::Result<Table> {
    Table::from_bytes(text.as_bytes(), Path::new("t.csv"), &TableOptions::default())
}

fn parse_with(text: &str, options: TableOptions) -> ognivo_core::Result<Table> {
    Table::from_bytes(text.as_bytes(), Path::new("t.csv"), &options)
}

fn label_column(column: &str) -> TableOptions {
    TableOptions { label_column: Some(column.into()), ..Default::default() }
}

#[test]
fn the_header_and_the_label_column_are_guessed() {
    let table = parse("1,2,b\n3.5,-4e1,a\n").unwrap();
    assert_eq!(
        (table.features, table.labels, table.classes),
        (vec![1.0, 2.0, 3.5, -40.0], vec![1, 0], vec!["a".into(), "b".into()])
    );
    assert_eq!(table.columns, ["0", "1"]);
    let table = parse("x,Label,y\n1,2,3\n").unwrap();
    assert_eq!((table.columns, table.classes), (vec!["x".to_string(), "y".into()], vec!["2".to_string()]));
    // Pixels named by numbers, as in copies of MNIST.
    let table = parse("label,0,1\n7,10,20\n").unwrap();
    assert_eq!((table.features, table.classes), (vec![10.0, 20.0], vec!["7".to_string()]));
    let table = parse("\"a\";\"kind\"\n1;\"x;y\"\n").unwrap();
    assert_eq!((table.features, table.classes), (vec![1.0], vec!["x;y".to_string()]));
    let table = parse("1\t2\tc\r\n\r\n3\t4\tc\r\n").unwrap();
    assert_eq!((table.rows(), table.row(1), table.row(2)), (2, Some([3.0, 4.0].as_slice()), None));
}

#[test]
fn the_label_column_is_given_by_name_or_index() {
    let labels = |text, column: &str| parse_with(text, label_column(column)).map(|table| table.classes);
    assert_eq!(labels("a,b,c\n1,2,3\n", "b").unwrap(), ["2"]);
    assert_eq!(labels("a,b,c\n1,2,3\n", "0").unwrap(), ["1"]);
    assert_eq!(labels("1,2,3\n", "-2").unwrap(), ["2"]);
    assert_says(&message(labels("a,b\n1,2\n", "z")), &["t.csv", "line 1", "\"a\", \"b\"", "\"z\""]);
    assert_says(&message(labels("1,2\n", "2")), &["line 1", "2 columns without header"]);
    assert_says(&message(labels("b,b\n1,2\n", "b")), &["2 columns", "give its index"]);
    let header = |header| TableOptions { header: Some(header), ..Default::default() };
    assert_eq!(parse_with("1,2\n3,4\n", header(true)).unwrap().rows(), 1);
    assert_says(&message(parse_with("a,b\n3,4\n", header(false))), &["line 1, column 0", "\"a\"", "a finite number"]);
}

#[test]
fn classes_are_ordered_by_number_or_name() {
    assert_eq!(parse("0,10\n0,9\n0,-1\n").unwrap().classes, ["-1", "9", "10"]);
    assert_eq!(parse("0,10\n0,9\n0,x\n").unwrap().classes, ["10", "9", "x"]);
    let given = |text| {
        let classes = Some(vec!["no".into(), "yes".into()]);
        parse_with(text, TableOptions { classes, ..Default::default() })
    };
    assert_eq!(given("0,yes\n0,0\n0,1\n").unwrap().labels, [1, 0, 1]);
    assert_says(&message(given("0,yes\n0,2\n")), &["line 2, column 1", "\"2\"", "2 class names"]);
}

#[test]
fn broken_tables_are_refused() {
    assert_says(&message(parse("")), &["t.csv", "no records"]);
    assert_says(&message(parse("a,label\n")), &["no records"]);
    assert_says(&message(parse("1\n2\n")), &["line 1", "1 column"]);
    assert_says(&message(parse("1,2,a\n1,2\n")), &["line 2", "2 fields", "3, as in the first record"]);
    assert_says(&message(parse("1,a\n\n1x,a\n")), &["line 3, column 0", "\"1x\"", "a finite number"]);
    assert_says(&message(parse("1,a\r\n\r\n2,\"a\nb\"\r\n3,a\r\nx,a")), &["line 6, column 0"]);
    for number in ["nan", "inf", "1e39", ""] {
        assert_says(&message(parse(&format!("1,a\n{number},a\n"))), &["line 2, column 0", "a finite number"]);
    }
    assert_says(&message(parse("1,a\n2, \n")), &["line 2, column 1", "a label"]);
    let bytes = Table::from_bytes(b"1,a\n2,\xff\n", Path::new("t.csv"), &TableOptions::default());
    assert_says(&message(bytes), &["line 2, column 1", "UTF-8"]);
    let zipped = gzip(b"1,a\n2,b\n");
    let cut = Table::from_bytes(&zipped[..zipped.len() - 6], Path::new("t.csv.gz"), &TableOptions::default());
    assert_says(&message(cut), &["t.csv.gz", "byte"]);
}

#[test]
fn a_record_without_end_is_bounded() {
    let open_quote = [b"1,a\n\"".as_slice(), &vec![b'\n'; 8 * MAX_RECORD as usize]].concat();
    let commas = vec![b','; 8 * MAX_RECORD as usize];
    for bytes in [open_quote, commas] {
        let zipped = gzip(&bytes);
        let (error, held) =
            peak(|| message(Table::from_bytes(&zipped, Path::new("t.csv.gz"), &TableOptions::default())));
        assert_says(&error, &["t.csv.gz", "a record of more than"]);
        assert!(held < 16 * MAX_RECORD, "{held}");
    }
}

#[test]
fn too_many_labels_are_no_labels() {
    let text: String = (0..70_000).map(|row| format!("1,{}.5\n", row)).collect();
    assert_says(&message(parse(&text)), &["line 65537", "is this the label column?"]);
}

#[test]
fn rows_are_viewed_as_pictures() {
    let table = parse("0,1,8,16,7\n16,15,2,3,9\n").unwrap();
    let set = table.images(2, 2, None).unwrap();
    assert_eq!(set.image(0).unwrap().pixels, [0, 16, 128, 255]);
    assert_eq!(set.image(1).unwrap().pixels, [255, 239, 32, 48]);
    assert_eq!((set.label(1), set.classes()), (1, ["7".to_string(), "9".to_string()].as_slice()));
    assert_eq!(table.images(4, 1, Some(255.0)).unwrap().image(0).unwrap().pixels, [0, 1, 8, 16]);
    assert_says(&message(table.images(3, 2, None)), &["4 columns", "3 x 2"]);
    assert_says(&message(table.images(2, 2, Some(15.0))), &["record 0, pixel 3", "found 16", "from 0 to 15"]);
    let negative = parse("0,-1,8,16,7\n").unwrap();
    assert_says(&message(negative.images(2, 2, None)), &["record 0, pixel 1", "found -1"]);
    assert_says(&message(table.images(2, 2, Some(0.0))), &["white"]);
    // White is guessed: ones, sixteenths, bytes.
    let white = |text: &str| parse(text).unwrap().images(2, 1, None).unwrap().image(0).unwrap().pixels;
    assert_eq!(white("0.5,1,a\n"), [128, 255]);
    assert_eq!(white("2,16,a\n"), [32, 255]);
    assert_eq!(white("2,17,a\n"), [2, 17]);
}
