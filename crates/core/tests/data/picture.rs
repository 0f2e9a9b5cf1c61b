use std::fs;
use std::path::{Path, PathBuf};

use ognivo_core::data::Image;
use ognivo_core::data::picture::{self, MAX_SIDE, decode_bytes, decode_file, encode_png};
use serde_json::Value;

use crate::common::allocation::peak;
use crate::{assert_says, message};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/pictures")
}

fn oracle() -> Value {
    serde_json::from_str(&fs::read_to_string(fixtures().join("pictures.json")).unwrap()).unwrap()
}

fn bytes_of(value: &Value) -> Vec<u8> {
    value.as_array().unwrap().iter().map(|value| value.as_u64().unwrap() as u8).collect()
}

fn largest_difference(a: &[u8], b: &[u8]) -> u8 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(&a, &b)| a.abs_diff(b)).max().unwrap()
}

#[test]
fn every_kind_decodes_as_pillow_does() {
    for (name, expected) in oracle()["decoded"].as_object().unwrap() {
        let image = decode_file(&fixtures().join(name)).unwrap();
        let shape = [image.width, image.height, image.channels].map(|size| size as u64);
        assert_eq!(shape, ["width", "height", "channels"].map(|key| expected[key].as_u64().unwrap()), "{name}");
        let difference = largest_difference(&image.pixels, &bytes_of(&expected["pixels"]));
        // JPEG decoders round differently, and CMYK has no single conversion; PNG is exact.
        let tolerance = if name == "cmyk.jpg" {
            6
        } else if name.ends_with("jpg") {
            3
        } else {
            0
        };
        assert!(difference <= tolerance, "{name}: {difference}");
    }
}

#[test]
fn a_png_is_written_and_read() {
    let folder = tempfile::tempdir().unwrap();
    for channels in [1, 3] {
        let image = Image::new(3, 2, channels, (0..6 * channels as u8).map(|value| value * 10).collect()).unwrap();
        let path = folder.path().join("a.png");
        picture::write_png(&path, &image).unwrap();
        assert_eq!(decode_file(&path).unwrap(), image);
        assert_eq!(fs::read(&path).unwrap(), encode_png(&image).unwrap());
    }
    let torn = Image { width: 3, height: 2, channels: 3, pixels: vec![0; 5] };
    assert_says(&message(encode_png(&torn)), &["3 x 2", "5 bytes"]);
    assert_says(&message(picture::resize(&torn, 2, 2)), &["5 bytes"]);
    assert_says(&message(Image::new(1, 1, 2, vec![0; 2])), &["2 channels"]);
}

#[test]
fn resizing_is_pillows_bilinear() {
    let oracle = &oracle()["resized"];
    let source = Image::new(17, 13, 1, bytes_of(&oracle["pixels"])).unwrap();
    for size in oracle["sizes"].as_array().unwrap() {
        let [width, height] = ["width", "height"].map(|key| size[key].as_u64().unwrap() as usize);
        let expected = bytes_of(&size["pixels"]);
        let image = picture::resize(&source, width, height).unwrap();
        assert_eq!((image.width, image.height), (width, height));
        // Pillow rounds to bytes between its two passes.
        assert!(largest_difference(&image.pixels, &expected) <= 1, "{width} x {height}");
        let colour = picture::resize(&picture::to_channels(&source, 3).unwrap(), width, height).unwrap();
        assert_eq!(colour, picture::to_channels(&image, 3).unwrap());
    }
    for (width, height) in [(0, 5), (5, 0), (MAX_SIDE + 1, 1)] {
        assert_says(&message(picture::resize(&source, width, height)), &["17 x 13", "sides go from 1"]);
    }
}

#[test]
fn channels_and_polarity_change() {
    let colour = Image::new(4, 1, 3, vec![255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9]).unwrap();
    // 0.299, 0.587 and 0.114 of 255.
    let grey = picture::to_channels(&colour, 1).unwrap();
    assert_eq!((grey.channels, grey.pixels.as_slice()), (1, [76, 150, 29, 9].as_slice()));
    assert_eq!(picture::to_channels(&grey, 3).unwrap().pixels[..6], [76, 76, 76, 150, 150, 150]);
    assert_eq!(picture::to_channels(&colour, 3).unwrap(), colour);
    assert_says(&message(picture::to_channels(&grey, 4)), &["not 4"]);
    assert_eq!(picture::invert(&grey).pixels, [179, 105, 226, 246]);
    assert_eq!(picture::invert(&picture::invert(&colour)), colour);
}

#[test]
fn what_is_no_picture_is_named() {
    let decode = |bytes: &[u8]| message(decode_bytes(bytes, Path::new("a.png")));
    assert_says(&decode(b""), &["a.png", "byte 0", "an empty file", "PNG or JPEG"]);
    assert_says(&decode(b"hello, world"), &["a.png", "byte 0", "68, 65"]);
    assert_says(&decode(b"GIF89a\x01\x00\x01\x00"), &["a.png", "Gif"]);
    assert_says(&message(decode_file(Path::new("absent.png"))), &["absent.png", "cannot open"]);
}

#[test]
fn a_picture_cut_short_is_refused() {
    for name in ["rgb.png", "grey1.png", "palette.png", "orientation6.jpg", "progressive.jpg", "grey.jpg"] {
        let bytes = fs::read(fixtures().join(name)).unwrap();
        assert!(decode_bytes(&bytes, Path::new(name)).is_ok());
        for length in 0..bytes.len() - 12 {
            assert_says(&message(decode_bytes(&bytes[..length], Path::new(name))), &[name]);
        }
    }
    let bytes = fs::read(fixtures().join("grey.jpg")).unwrap();
    let cut = message(decode_bytes(&bytes[..bytes.len() - 2], Path::new("a.jpg")));
    assert_says(&cut, &["a.jpg", &format!("byte {}", bytes.len() - 2), "cut short"]);
}

#[test]
fn a_palette_of_broken_colours_is_refused() {
    // Found by fuzzing: the PNG decoder indexes past such a palette.
    let sound = fs::read(fixtures().join("palette.png")).unwrap();
    let start = sound.windows(4).position(|kind| kind == b"PLTE").unwrap();
    let length = u32::from_be_bytes(sound[start - 4..start].try_into().unwrap()) as usize;
    for colours in [0, 1, 25, 769, 771] {
        let chunk = [b"PLTE".as_slice(), &vec![9; colours]].concat();
        let mut sum = flate2::Crc::new();
        sum.update(&chunk);
        let (before, after) = (&sound[..start - 4], &sound[start + 4 + length + 4..]);
        let bytes = [before, &(colours as u32).to_be_bytes(), &chunk, &sum.sum().to_be_bytes(), after].concat();
        let place = format!("byte {}", start - 4);
        let found = format!("a palette of {colours} bytes");
        assert_says(&message(decode_bytes(&bytes, Path::new("a.png"))), &["a.png", &place, &found, "256 colours"]);
    }
}

#[test]
fn a_decoder_that_panics_is_an_error() {
    // Found by fuzzing: subsampling on which the JPEG decoder panics.
    let broken = message(decode_file(&fixtures().join("broken_sampling.jpg")));
    assert_says(&broken, &["broken_sampling.jpg", "pixels", "a sound PNG or JPEG picture"]);
}

/// The width and height of a PNG, overwritten, with the checksum put right.
fn png_of_size(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = fs::read(fixtures().join("rgb.png")).unwrap();
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let mut sum = flate2::Crc::new();
    sum.update(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&sum.sum().to_be_bytes());
    bytes
}

/// The same of a JPEG: the frame header has the height at 5 and the width at 7.
fn jpeg_of_size(width: u16, height: u16) -> Vec<u8> {
    let mut bytes = fs::read(fixtures().join("orientation1.jpg")).unwrap();
    let frame = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    bytes[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
    bytes[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
    bytes
}

#[test]
fn oversized_headers_cost_no_memory() {
    for bytes in [
        png_of_size(16_000, 11_000),
        png_of_size(1, u32::MAX),
        png_of_size(0x7fff_ffff, 0x7fff_ffff),
        jpeg_of_size(16_000, 11_000),
        jpeg_of_size(65_535, 65_535),
    ] {
        let (error, held) = peak(|| message(decode_bytes(&bytes, Path::new("a.img"))));
        assert_says(&error, &["a.img", "header"]);
        assert!(held < 1 << 20, "{error}: {held}");
    }
    // Right sizes still pass, so the tests above refuse the size and not the forgery.
    assert!(decode_bytes(&png_of_size(5, 7), Path::new("a.png")).is_ok());
    assert!(decode_bytes(&jpeg_of_size(24, 16), Path::new("a.jpg")).is_ok());
}

#[test]
fn plain_white_is_not_taken_for_a_lie() {
    // The most that honest files compress: the bound on pixels for each byte must let them through.
    let white = Image::new(4000, 3000, 1, vec![255; 12_000_000]).unwrap();
    assert!(decode_bytes(&encode_png(&white).unwrap(), Path::new("a.png")).is_ok());
    let mut jpeg = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut jpeg, 1)
        .encode(&white.pixels, 4000, 3000, image::ExtendedColorType::L8)
        .unwrap();
    assert!(decode_bytes(&jpeg, Path::new("a.jpg")).is_ok());
}
