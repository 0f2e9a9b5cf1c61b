//! How fast pictures come in: decoding of JPEG and PNG, resizing, reading of IDX. Items are pictures, bytes those of pixels.

use std::path::Path;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;
use ognivo_core::data::idx::{Idx, Values};
use ognivo_core::data::{Image, picture};

fn main() {
    divan::main();
}

/// Smooth shapes under a little noise, about as hard for a JPEG as a photograph.
fn photograph(width: usize, height: usize) -> Image {
    let mut state = 1u32;
    let mut pixels = Vec::with_capacity(width * height * 3);
    for at in 0..width * height {
        let (x, y) = ((at % width) as f32 / 25.0, (at / width) as f32 / 31.0);
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = (state >> 28) as f32;
        let wave = [x.sin() * y.cos(), (x + y).sin(), (x - 2.0 * y).cos()];
        pixels.extend(wave.map(|wave| (120.0 + 100.0 * wave + noise) as u8));
    }
    Image::new(width, height, 3, pixels).unwrap()
}

fn jpeg(image: &Image) -> Vec<u8> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, 90)
        .encode(&image.pixels, image.width as u32, image.height as u32, ExtendedColorType::Rgb8)
        .unwrap();
    bytes
}

fn decode(bencher: Bencher, bytes: &[u8]) {
    bencher.counter(ItemsCount::new(1usize)).bench(|| picture::decode_bytes(bytes, Path::new("bench")).unwrap());
}

#[divan::bench(args = [(32, 32), (500, 375)])]
fn jpeg_decode(bencher: Bencher, (width, height): (usize, usize)) {
    decode(bencher, &jpeg(&photograph(width, height)));
}

#[divan::bench(args = [(32, 32), (500, 375)])]
fn png_decode(bencher: Bencher, (width, height): (usize, usize)) {
    decode(bencher, &picture::encode_png(&photograph(width, height)).unwrap());
}

#[divan::bench]
fn resize_500x375_to_224x224(bencher: Bencher) {
    let image = photograph(500, 375);
    bencher.counter(ItemsCount::new(1usize)).bench(|| picture::resize(&image, 224, 224).unwrap());
}

#[divan::bench(args = ["plain", "gz"])]
fn idx_read(bencher: Bencher, suffix: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("images").with_extension(suffix);
    let count = 2000;
    let pixels = photograph(28 * 28, count).pixels;
    let pixels: Vec<u8> = pixels.into_iter().step_by(3).collect();
    let bytes = BytesCount::new(pixels.len());
    Idx { dims: vec![count, 28, 28], values: Values::U8(pixels) }.write(&path).unwrap();
    bencher.counter(bytes).bench(|| Idx::read(&path).unwrap());
}
