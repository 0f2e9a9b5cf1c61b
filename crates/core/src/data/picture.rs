//! Single pictures: decoding PNG and JPEG, writing PNG, resizing, changing channels.

use std::fs::File;
use std::io::{Cursor, Read};
use std::panic;
use std::path::Path;

use image::imageops::{self, FilterType};
use image::{
    DynamicImage, ExtendedColorType, GrayImage, ImageDecoder, ImageEncoder, ImageFormat, ImageReader, Limits, RgbImage,
    codecs::png::PngEncoder,
};

use super::source::DEFLATE_RATIO;
use super::{Image, pixel_bytes};
use crate::{Error, Result};

/// A longer side is refused.
pub const MAX_SIDE: usize = 16_384;
/// A picture that takes more memory than this while it is decoded is refused.
pub const MAX_MEMORY: u64 = 512 << 20;
/// A longer file is refused.
const MAX_FILE: u64 = 256 << 20;
/// No JPEG packs more pixels in a byte: a block of 64 costs at least one bit, and subsampling can spread it over four.
const JPEG_RATIO: u64 = 64 * 8 * 4;

/// Decodes a PNG or JPEG file, whatever its name.
///
/// Grey stays grey (1 channel), all else becomes RGB; 16 bits become 8; palettes are looked up; transparency is laid
/// over white; the EXIF orientation is applied.
///
/// # Errors
/// Not PNG or JPEG, damaged, cut short, or larger than [`MAX_SIDE`] or [`MAX_MEMORY`]; the error names the file.
pub fn decode_file(path: &Path) -> Result<Image> {
    let file = File::open(path).map_err(Error::io(path, "open"))?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(Error::io(path, "read"))?;
    decode_bytes(&bytes, path)
}

/// The same from the bytes of a file; `path` is what errors name.
pub fn decode_bytes(bytes: &[u8], path: &Path) -> Result<Image> {
    let length = bytes.len() as u64;
    if length > MAX_FILE {
        return Err(Error::format(path, "whole file", "more bytes", format!("at most {MAX_FILE} bytes")));
    }
    let format = match image::guess_format(bytes) {
        Ok(format @ ImageFormat::Png) => check_png_palette(bytes, path).map(|()| format)?,
        Ok(format @ ImageFormat::Jpeg) => check_jpeg_end(bytes, path).map(|()| format)?,
        other => {
            let found = match other {
                Ok(other) => format!("{other:?}"),
                Err(_) if bytes.is_empty() => "an empty file".into(),
                Err(_) => format!("the bytes {:02x?}", &bytes[..bytes.len().min(8)]),
            };
            return Err(Error::format(path, "byte 0", found, "a PNG or JPEG picture"));
        }
    };
    // The decoders are not free of panics: zune-jpeg 0.5 has one for some odd subsamplings. Nothing outlives the closure,
    // so nothing half-done can be seen afterwards.
    panic::catch_unwind(|| decode(bytes, format, path)).unwrap_or_else(|_| {
        Err(Error::format(path, "pixels", "data on which the decoder breaks down", "a sound PNG or JPEG picture"))
    })
}

fn decode(bytes: &[u8], format: ImageFormat, path: &Path) -> Result<Image> {
    let length = bytes.len() as u64;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE as u32);
    limits.max_image_height = Some(MAX_SIDE as u32);
    limits.max_alloc = Some(MAX_MEMORY);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    let failed = |place: &'static str| {
        move |error: image::ImageError| Error::format(path, place, error.to_string(), "a sound PNG or JPEG picture")
    };
    let mut decoder = reader.into_decoder().map_err(failed("header"))?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    let possible = match format {
        ImageFormat::Jpeg => length.saturating_mul(JPEG_RATIO),
        _ => {
            length.saturating_mul(DEFLATE_RATIO * 8) / u64::from(decoder.original_color_type().bits_per_pixel()).max(1)
        }
    };
    if pixels > possible || decoder.total_bytes() > MAX_MEMORY {
        let found = format!("{width} x {height} pixels in {length} bytes");
        let expected = format!("no more than the bytes can hold and {MAX_MEMORY} bytes of memory");
        return Err(Error::format(path, "header", found, expected));
    }
    let orientation = decoder.orientation().map_err(failed("EXIF"))?;
    let mut decoded = DynamicImage::from_decoder(decoder).map_err(failed("pixels"))?;
    decoded.apply_orientation(orientation);
    let (width, height) = (decoded.width() as usize, decoded.height() as usize);
    let (channels, pixels) = flatten(decoded);
    Image::new(width, height, channels, pixels).map_err(|error| Error::Data(format!("{}: {error}", path.display())))
}

/// Walks the chunks of a PNG to its palette: png 0.18 panics on one that is not of whole colours, or of more than 256.
fn check_png_palette(bytes: &[u8], path: &Path) -> Result<()> {
    let mut at = 8_usize;
    while let Some(&[a, b, c, d, ref kind @ ..]) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        if kind == b"PLTE" && (!length.is_multiple_of(3) || !(3..=768).contains(&length)) {
            let found = format!("a palette of {length} bytes");
            return Err(Error::format(path, format!("byte {at}"), found, "3 bytes for each of 1 to 256 colours"));
        }
        at = at.saturating_add(length).saturating_add(12);
    }
    Ok(())
}

/// Walks the segments of a JPEG to its end marker: decoders fill in what a cut file lacks without a word.
fn check_jpeg_end(bytes: &[u8], path: &Path) -> Result<()> {
    let mut at = 2;
    let mut in_scan = false;
    loop {
        // In a scan a marker is 0xff and neither a stuffed zero, nor a restart, nor fill; outside it comes at once, but
        // stray bytes before it are common in the wild and harmless.
        let marker = bytes.get(at..).and_then(|rest| {
            let is_marker = |pair: &[u8]| {
                pair[0] == 0xff && !matches!(pair[1], 0x00 | 0xff) && !(in_scan && (0xd0..=0xd7).contains(&pair[1]))
            };
            rest.windows(2).position(is_marker).map(|offset| at + offset)
        });
        let Some(start) = marker else {
            let at = format!("byte {}", bytes.len());
            return Err(Error::format(
                path,
                at,
                "the end of the file",
                "the JPEG end marker: the picture is cut short",
            ));
        };
        match bytes.get(start + 1) {
            Some(0xd9) => return Ok(()),
            Some(0x01 | 0xd0..=0xd8) => at = start + 2,
            kind => {
                in_scan = kind == Some(&0xda);
                let length =
                    bytes.get(start + 2..start + 4).map_or(2, |pair| usize::from(pair[0]) << 8 | usize::from(pair[1]));
                at = start + 2 + length.max(2);
            }
        }
    }
}

/// To 8-bit grey or RGB; transparency over white.
fn flatten(decoded: DynamicImage) -> (usize, Vec<u8>) {
    let over_white = |value: u8, alpha: u8| {
        ((u32::from(value) * u32::from(alpha) + 255 * (255 - u32::from(alpha)) + 127) / 255) as u8
    };
    match decoded {
        DynamicImage::ImageLuma8(grey) => (1, grey.into_raw()),
        DynamicImage::ImageRgb8(colour) => (3, colour.into_raw()),
        DynamicImage::ImageLuma16(_) => (1, decoded.into_luma8().into_raw()),
        DynamicImage::ImageLumaA8(_) | DynamicImage::ImageLumaA16(_) => {
            (1, decoded.into_luma_alpha8().pixels().map(|pixel| over_white(pixel[0], pixel[1])).collect())
        }
        _ if decoded.color().has_alpha() => {
            let colours = |pixel: &image::Rgba<u8>| [0, 1, 2].map(|channel| over_white(pixel[channel], pixel[3]));
            (3, decoded.into_rgba8().pixels().flat_map(colours).collect())
        }
        _ => (3, decoded.into_rgb8().into_raw()),
    }
}

/// Scales to `width` x `height` pixels with a triangle filter whose support grows when shrinking (no aliasing), the
/// filter of Pillow's `BILINEAR` and of torchvision's `Resize` with antialiasing.
///
/// # Errors
/// A side of zero or above [`MAX_SIDE`]; a picture whose fields do not agree.
pub fn resize(image: &Image, width: usize, height: usize) -> Result<Image> {
    image.check()?;
    let side = |side: usize| u32::try_from(side).ok().filter(|_| (1..=MAX_SIDE).contains(&side));
    let (Some(from_width), Some(from_height), Some(to_width), Some(to_height)) =
        (side(image.width), side(image.height), side(width), side(height))
    else {
        return Err(Error::Config(format!(
            "cannot resize {} x {} pixels to {width} x {height}: sides go from 1 to {MAX_SIDE}",
            image.width, image.height
        )));
    };
    if (width, height) == (image.width, image.height) {
        return Ok(image.clone());
    }
    let pixels = image.pixels.clone();
    let pixels = if image.channels == 1 {
        GrayImage::from_raw(from_width, from_height, pixels)
            .map(|grey| imageops::resize(&grey, to_width, to_height, FilterType::Triangle).into_raw())
    } else {
        RgbImage::from_raw(from_width, from_height, pixels)
            .map(|colour| imageops::resize(&colour, to_width, to_height, FilterType::Triangle).into_raw())
    };
    Image::new(width, height, image.channels, pixels.unwrap_or_default())
}

/// Grey to RGB by repeating, RGB to grey by luma: 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601, as JPEG and Pillow).
///
/// # Errors
/// Channels other than 1 or 3; a picture whose fields do not agree.
pub fn to_channels(image: &Image, channels: usize) -> Result<Image> {
    image.check()?;
    let pixels = match (image.channels, channels) {
        (1, 1) | (3, 3) => image.pixels.clone(),
        (1, 3) => image.pixels.iter().flat_map(|&grey| [grey; 3]).collect(),
        (3, 1) => image.pixels.as_chunks::<3>().0.iter().map(|&colour| luma(colour)).collect(),
        _ => return Err(Error::Config(format!("a picture has 1 channel (grey) or 3 (RGB), not {channels}"))),
    };
    Image::new(image.width, image.height, channels, pixels)
}

fn luma([red, green, blue]: [u8; 3]) -> u8 {
    ((299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue) + 500) / 1000) as u8
}

/// White becomes black and black white.
pub fn invert(image: &Image) -> Image {
    Image { pixels: image.pixels.iter().map(|&value| 255 - value).collect(), ..*image }
}

/// The bytes of a PNG file: 8-bit grey or RGB.
///
/// # Errors
/// A picture whose fields do not agree.
pub fn encode_png(image: &Image) -> Result<Vec<u8>> {
    image.check()?;
    let colour = if image.channels == 1 { ExtendedColorType::L8 } else { ExtendedColorType::Rgb8 };
    let (Ok(width), Ok(height)) = (u32::try_from(image.width), u32::try_from(image.height)) else {
        return Err(Error::Data(format!("a PNG cannot have {} x {} pixels", image.width, image.height)));
    };
    let mut bytes = Vec::with_capacity(pixel_bytes(image.width, image.height, image.channels).unwrap_or(0) / 2);
    PngEncoder::new(&mut bytes)
        .write_image(&image.pixels, width, height, colour)
        .map_err(|error| Error::Data(format!("cannot encode a PNG of {width} x {height} pixels: {error}")))?;
    Ok(bytes)
}

/// Writes a PNG file: 8-bit grey or RGB.
///
/// # Errors
/// A picture whose fields do not agree, and whatever the disk refuses.
pub fn write_png(path: &Path, image: &Image) -> Result<()> {
    std::fs::write(path, encode_png(image)?).map_err(Error::io(path, "write"))
}
