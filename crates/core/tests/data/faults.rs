//! At least a thousand damaged files for every parser: an error with the file's name or a sound result, never a panic,
//! never more memory than the file can account for.

use std::fs;
use std::path::Path;

use flate2::Crc;
use ognivo_core::data::cifar::{self, Records};
use ognivo_core::data::idx::Idx;
use ognivo_core::data::table::{Table, TableOptions};
use ognivo_core::data::{Image, ImageSet, picture};
use ognivo_core::{Error, Result};

use crate::common::allocation::peak;
use crate::common::mutate::for_each_mutant;
use crate::gzip;

const NAME: &str = "some-file";
const MUTANTS: usize = 1500;

/// Parses every mutant, checks the name in errors and the memory, and returns how many (parsed, failed).
fn survive<T>(files: &[&[u8]], most_memory: u64, parse: impl Fn(&[u8], &Path) -> Result<T>) -> (usize, usize) {
    let (mut parsed, mut failed) = (0, 0);
    for_each_mutant(files, MUTANTS, |bytes| {
        let (result, held) = peak(|| parse(bytes, Path::new(NAME)));
        assert!(held <= most_memory, "{held} bytes held for a file of {}: {bytes:02x?}", bytes.len());
        match result {
            Ok(_) => parsed += 1,
            Err(error) => {
                failed += 1;
                assert!(error.to_string().contains(NAME), "{error}");
                assert!(matches!(error, Error::Format { .. } | Error::Data(_)), "{error:?}");
            }
        }
    });
    assert_eq!(parsed + failed, files.len() * MUTANTS);
    (parsed, failed)
}

#[test]
fn idx_survives() {
    let plain = [[0, 0, 8, 3, 0, 0, 0, 5, 0, 0, 0, 4, 0, 0, 0, 6].as_slice(), &[7; 120]].concat();
    let floats = [[0, 0, 0x0d, 1, 0, 0, 0, 20].as_slice(), &[3; 80]].concat();
    let zipped = gzip(&plain);
    let (parsed, failed) = survive(&[&plain, &floats, &zipped], 1 << 20, Idx::from_bytes);
    assert!(parsed > 100 && failed > 1000, "{parsed} {failed}");
}

#[test]
fn cifar_survives() {
    let classes: Vec<String> = (0..10).map(|class| class.to_string()).collect();
    let batch: Vec<u8> = (0..2 * 3073).map(|at| if at % 3073 == 0 { 4 } else { at as u8 }).collect();
    for (records, bytes) in [(Records::Cifar10, batch.as_slice()), (Records::Cifar100Fine, &batch[..2 * 3073])] {
        let parse = |bytes: &[u8], path: &Path| {
            let set = cifar::from_bytes(bytes, path, records, &classes)?;
            (0..set.len()).try_for_each(|index| set.image(index).map(|image| assert_eq!(image.pixels.len(), 3072)))
        };
        let (parsed, failed) = survive(&[bytes, &gzip(bytes)], 1 << 20, parse);
        assert!(failed > 1000, "{parsed} {failed}");
    }
}

#[test]
fn tables_survive() {
    let rows: String =
        (0..40).map(|row| format!("{row},{}.5,-3e2,{}\n", row * 7, ["a", "b", "\"c d\""][row % 3])).collect();
    let plain = format!("x,y,z,label\n{rows}");
    let zipped = gzip(plain.as_bytes());
    let parse = |bytes: &[u8], path: &Path| {
        let table = Table::from_bytes(bytes, path, &TableOptions::default())?;
        assert_eq!(table.features.len(), table.rows() * table.columns.len());
        assert!(table.features.iter().all(|value| value.is_finite()));
        assert!(table.labels.iter().all(|&label| label < table.classes.len()));
        Ok(())
    };
    let (parsed, failed) = survive(&[plain.as_bytes(), rows.as_bytes(), &zipped], 2 << 20, parse);
    assert!(parsed > 100 && failed > 1000, "{parsed} {failed}");
}

fn decode(bytes: &[u8], path: &Path) -> Result<Image> {
    let image = picture::decode_bytes(bytes, path)?;
    assert_eq!(image.pixels.len(), image.width * image.height * image.channels);
    Ok(image)
}

fn fixture(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/pictures").join(name)).unwrap()
}

#[test]
fn png_survives() {
    let files = ["rgb.png", "palette_alpha.png", "grey16.png", "grey1.png", "orientation6.png"].map(fixture);
    let files: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
    let (parsed, failed) = survive(&files, 8 << 20, decode);
    assert!(failed > 1000, "{parsed} {failed}");
}

#[test]
fn png_survives_where_checksums_are_right() {
    let files = ["rgb.png", "palette_alpha.png", "grey16.png", "orientation6.png"].map(fixture);
    let files: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
    // Without this the checksum of a chunk would hide the parser behind it.
    let (parsed, failed) = survive(&files, 8 << 20, |bytes, path| decode(&with_right_checksums(bytes), path));
    assert!(parsed > 100 && failed > 1000, "{parsed} {failed}");
}

fn with_right_checksums(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let mut at = 8;
    while let Some(length) = bytes.get(at..at + 4) {
        let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
        let Some(chunk) = bytes.get(at + 4..(at + 8).saturating_add(length)) else { break };
        let mut sum = Crc::new();
        sum.update(chunk);
        let end = at + 8 + length;
        let Some(place) = bytes.get_mut(end..end + 4) else { break };
        place.copy_from_slice(&sum.sum().to_be_bytes());
        at = end + 4;
    }
    bytes
}

#[test]
fn jpeg_survives() {
    let files = ["orientation6.jpg", "grey.jpg", "progressive.jpg", "cmyk.jpg"].map(fixture);
    let files: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
    let (parsed, failed) = survive(&files, 64 << 20, decode);
    assert!(parsed > 100 && failed > 1000, "{parsed} {failed}");
}

#[test]
fn photographs_survive() {
    let photo = Image::new(300, 200, 3, (0..180_000u32).map(|at| (at * at / 977) as u8).collect()).unwrap();
    let mut jpeg = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut jpeg, 60)
        .encode(&photo.pixels, 300, 200, image::ExtendedColorType::Rgb8)
        .unwrap();
    let png = picture::encode_png(&photo).unwrap();
    let mut decoded = 0;
    for_each_mutant(&[&jpeg, &png], 150, |bytes| decoded += usize::from(decode(bytes, Path::new(NAME)).is_ok()));
    assert!(decoded > 10, "{decoded}");
}
