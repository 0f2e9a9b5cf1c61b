//! Pictures as PNG, and PNG as text.

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};

use crate::data::Image;
use crate::{Error, Result};

/// Encodes a picture.
///
/// # Errors
/// Sides of zero or too long for PNG, channels other than 1 and 3, or pixels that do not fill the sides.
pub(crate) fn encode(image: &Image) -> Result<Vec<u8>> {
    let refuse = |why: String| {
        let Image { width, height, channels, pixels } = image;
        Error::Data(format!("image of {width}x{height}x{channels} with {} bytes: {why}", pixels.len()))
    };
    let color = match image.channels {
        1 => ExtendedColorType::L8,
        3 => ExtendedColorType::Rgb8,
        _ => return Err(refuse("expected 1 or 3 channels".into())),
    };
    let expected = image.width.checked_mul(image.height).and_then(|area| area.checked_mul(image.channels));
    if expected != Some(image.pixels.len()) || image.pixels.is_empty() {
        return Err(refuse("expected height * width * channels bytes, at least one".into()));
    }
    let (Ok(width), Ok(height)) = (u32::try_from(image.width), u32::try_from(image.height)) else {
        return Err(refuse("a side is too long for PNG".into()));
    };
    let mut bytes = Vec::new();
    PngEncoder::new(&mut bytes)
        .write_image(&image.pixels, width, height, color)
        .map_err(|error| refuse(error.to_string()))?;
    Ok(bytes)
}

/// A picture whose longer side is at most `limit`: each pixel is the mean of those it stands for.
pub(super) fn shrink(image: &Image, limit: usize) -> Image {
    let longer = image.width.max(image.height);
    if longer <= limit || limit == 0 || image.pixels.len() != image.width * image.height * image.channels {
        return image.clone();
    }
    let scaled = |side: usize| (side * limit / longer).max(1);
    let (width, height) = (scaled(image.width), scaled(image.height));
    let mut pixels = Vec::with_capacity(width * height * image.channels);
    for y in 0..height {
        let rows = y * image.height / height..((y + 1) * image.height / height).max(y * image.height / height + 1);
        for x in 0..width {
            let columns = x * image.width / width..((x + 1) * image.width / width).max(x * image.width / width + 1);
            for channel in 0..image.channels {
                let at =
                    |row: usize, column: usize| image.pixels[(row * image.width + column) * image.channels + channel];
                let sum: usize = rows
                    .clone()
                    .flat_map(|row| columns.clone().map(move |column| (row, column)))
                    .map(|(row, column)| usize::from(at(row, column)))
                    .sum();
                pixels.push((sum / (rows.len() * columns.len())) as u8);
            }
        }
    }
    Image { width, height, channels: image.channels, pixels }
}

/// Base 64 with padding (RFC 4648, section 4), as data URIs want it.
pub(super) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, &byte| bits << 8 | u32::from(byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let sextet = (bits >> (18 - 6 * place)) as usize & 63;
            text.push(if place <= chunk.len() { ALPHABET[sextet].into() } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_equals_rfc_4648() {
        let cases = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ];
        for (bytes, expected) in cases {
            assert_eq!(base64(bytes.as_bytes()), expected);
        }
        assert_eq!(base64(&[0xfb, 0xff, 0xbf]), "+/+/");
    }

    #[test]
    fn pixels_come_back() {
        for channels in [1, 3] {
            let pixels = (0..5 * 4 * channels).map(|index| (index * 37 % 256) as u8).collect();
            let image = Image { width: 5, height: 4, channels, pixels };
            let read = image::load_from_memory(&encode(&image).unwrap()).unwrap();
            assert_eq!((read.width(), read.height()), (5, 4));
            assert_eq!(read.as_bytes(), image.pixels);
        }
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        for (width, height, channels, bytes) in [(2, 2, 1, 3), (0, 2, 1, 0), (1, 1, 2, 2), (usize::MAX, 2, 3, 6)] {
            let image = Image { width, height, channels, pixels: vec![0; bytes] };
            assert!(matches!(encode(&image), Err(Error::Data(_))), "{image:?}");
        }
    }

    #[test]
    fn shrinking_takes_means() {
        let image = Image { width: 4, height: 2, channels: 1, pixels: vec![0, 10, 20, 30, 40, 50, 60, 70] };
        assert_eq!(shrink(&image, 2), Image { width: 2, height: 1, channels: 1, pixels: vec![25, 45] });
        assert_eq!(shrink(&image, 4), image);
        let strip = Image { width: 1, height: 1000, channels: 3, pixels: vec![9; 3000] };
        assert_eq!(shrink(&strip, 10), Image { width: 1, height: 10, channels: 3, pixels: vec![9; 30] });
    }
}
