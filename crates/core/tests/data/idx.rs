use std::path::Path;

use ognivo_core::data::idx::{self, Idx, Values};
use ognivo_core::data::{ImageSet, MemoryImages};
use proptest::prelude::*;

use crate::common::allocation::peak;
use crate::{assert_says, gzip, message, names, put};

fn parse(bytes: &[u8]) -> ognivo_core::Result<Idx> {
    Idx::from_bytes(bytes, Path::new("a.idx"))
}

#[test]
fn every_type_is_read_big_endian() {
    let read = |code: u8, values: &[u8]| {
        let count = values.len() / [1, 1, 0, 2, 4, 4, 8][usize::from(code - 8)];
        parse(&[&[0, 0, code, 1, 0, 0, 0, count as u8], values].concat()).unwrap().values
    };
    assert_eq!(read(0x08, &[0, 255]), Values::U8(vec![0, 255]));
    assert_eq!(read(0x09, &[1, 255]), Values::I8(vec![1, -1]));
    assert_eq!(read(0x0b, &[1, 2, 0xff, 0xfe]), Values::I16(vec![258, -2]));
    assert_eq!(read(0x0c, &[0, 1, 0, 0]), Values::I32(vec![65536]));
    assert_eq!(read(0x0d, &[0x3f, 0x80, 0, 0]), Values::F32(vec![1.0]));
    assert_eq!(read(0x0e, &[0xc0, 0, 0, 0, 0, 0, 0, 0]), Values::F64(vec![-2.0]));
}

#[test]
fn gzip_is_recognised_by_content() {
    let bytes = [0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 3, 7, 8, 9];
    let expected = Idx { dims: vec![1, 3], values: Values::U8(vec![7, 8, 9]) };
    assert_eq!(parse(&bytes).unwrap(), expected);
    assert_eq!(parse(&gzip(&bytes)).unwrap(), expected);
}

#[test]
fn faults_are_named() {
    assert_says(&message(parse(&[])), &["a.idx", "byte 0"]);
    assert_says(&message(parse(&[0, 1, 8, 1])), &["a.idx", "byte 0", "magic number"]);
    assert_says(&message(parse(&[0, 0, 8, 0])), &["byte 0", "number of dimensions"]);
    assert_says(&message(parse(&[0, 0, 0x0a, 1, 0, 0, 0, 0])), &["byte 2", "0x0a"]);
    assert_says(&message(parse(&[0, 0, 8, 1, 0, 0, 0, 2, 5])), &["byte 8", "at most 1 more"]);
    assert_says(&message(parse(&[0, 0, 8, 1, 0, 0, 0, 1, 5, 6])), &["byte 9", "more bytes"]);
    let cut = gzip(&[[0, 0, 8, 1, 0, 0, 1, 0].as_slice(), &[5; 200]].concat());
    assert_says(&message(parse(&cut)), &["byte 208", "end of the file", "56 more bytes"]);
    let zipped = gzip(&[[0, 0, 8, 1, 0, 0, 1, 0].as_slice(), &[5; 256]].concat());
    assert_says(&message(parse(&zipped[..zipped.len() - 9])), &["a.idx", "byte"]);
}

#[test]
fn oversized_headers_and_bombs_cost_no_memory() {
    let huge = [&[0, 0, 0x0e, 3][..], &[0xff; 12]].concat();
    let (error, bytes) = peak(|| message(parse(&huge)));
    assert_says(&error, &["header", "4294967295", "at most"]);
    assert!(bytes < 1 << 20, "{bytes}");
    // Below the limit for all files, but more than this one can hold.
    let large = [0, 0, 8, 1, 0x40, 0, 0, 0];
    for file in [large.to_vec(), gzip(&large)] {
        let (error, bytes) = peak(|| message(parse(&file)));
        assert_says(&error, &["1073741824 bytes"]);
        assert!(bytes < 1 << 20, "{bytes}");
    }
    // A bomb: 64 MiB of zeros after a header that asks for one byte.
    let bomb = gzip(&[[0, 0, 8, 1, 0, 0, 0, 1].as_slice(), &vec![0; 64 << 20]].concat());
    let (error, bytes) = peak(|| message(parse(&bomb)));
    assert_says(&error, &["byte 9", "more bytes"]);
    assert!(bytes < 1 << 20, "{bytes}");
}

#[test]
fn a_set_is_written_and_read() {
    let folder = tempfile::tempdir().unwrap();
    let classes = names(&["a", "b", "c"]);
    for (shape, suffix) in [([2, 3, 1], ""), ([2, 3, 3], ".gz")] {
        let pixels: Vec<u8> = (0..4 * shape.iter().product::<usize>()).map(|value| value as u8).collect();
        let images = folder.path().join(format!("images{suffix}"));
        let labels = folder.path().join(format!("labels{suffix}"));
        let set =
            MemoryImages::new(images.display().to_string(), shape, pixels, vec![0, 2, 1, 2], classes.clone()).unwrap();
        idx::write_set(&images, &labels, &set).unwrap();
        assert_eq!(idx::read_set(&images, &labels, &classes).unwrap(), set);
        assert_eq!(set.origin(3), format!("{}[3]", images.display()));
        let is_gzip = std::fs::read(&images).unwrap().starts_with(&[0x1f, 0x8b]);
        assert_eq!(is_gzip, suffix == ".gz");
    }
}

#[test]
fn sets_that_do_not_fit_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (images, labels) = (folder.path().join("images"), folder.path().join("labels"));
    let classes = names(&["a", "b"]);
    let read = || message(idx::read_set(&images, &labels, &classes));
    put(&images, [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 5, 6]);
    put(&labels, [0, 0, 8, 1, 0, 0, 0, 3, 0, 1, 0]);
    assert_says(&read(), &["labels", "3 labels", "2 labels, one for each"]);
    put(&labels, [0, 0, 8, 1, 0, 0, 0, 2, 0, 2]);
    assert_says(&read(), &["labels", "record 1", "label 2", "from 0 to 1"]);
    put(&labels, [0, 0, 9, 1, 0, 0, 0, 2, 0, 0xff]);
    assert_says(&read(), &["labels", "label -1 at record 1"]);
    put(&labels, [0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 1]);
    assert_says(&read(), &["labels", "one dimension"]);
    put(&images, [0, 0, 8, 1, 0, 0, 0, 2, 5, 6]);
    assert_says(&read(), &["images", "header", "[2]", "count x height x width"]);
    put(&images, [0, 0, 9, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 5]);
    assert_says(&read(), &["images", "0x09", "0x08"]);
    put(&images, [0, 0, 8, 3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1]);
    assert_says(&read(), &["images", "at least one picture"]);
    assert_says(&message(Idx { dims: vec![3], values: Values::U8(vec![1]) }.write(&images)), &["1 values", "[3]"]);
}

proptest! {
    #[test]
    fn what_is_written_is_read(values in proptest::collection::vec(any::<f64>(), 0..40), zip: bool) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(if zip { "a.gz" } else { "a" });
        let bits: Vec<i32> = values.iter().map(|value| value.to_bits() as i32).collect();
        let array = Idx { dims: vec![1, bits.len()], values: Values::I32(bits) };
        array.write(&path).unwrap();
        prop_assert_eq!(Idx::read(&path).unwrap(), array);
    }
}
