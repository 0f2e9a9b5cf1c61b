//! An animation as a PNG file: the first frame is what a viewer without animation shows (APNG, part of the PNG specification since its
//! third edition, section 11.3.6).

use flate2::Crc;
use ognivo_core::data::{Image, picture};
use ognivo_core::{Error, Result};

const SIGNATURE: &[u8; 8] = b"\x89PNG\r\n\x1a\n";
/// How long a frame is shown, in hundredths of a second, and the last one.
const DELAY: u16 = 25;
const LAST: u16 = 200;

/// The bytes of a file that shows the frames one after another, and then begins anew.
///
/// # Errors
/// No frame, or frames of unequal form.
pub fn encode(frames: &[Image]) -> Result<Vec<u8>> {
    let form = |image: &Image| (image.width, image.height, image.channels);
    let Some(first) = frames.first() else {
        return Err(Error::Data("found no frame; expected at least one for an animation".into()));
    };
    if let Some(other) = frames.iter().find(|frame| form(frame) != form(first)) {
        let message =
            format!("found a frame of {:?}; expected {:?} (width, height, channels)", form(other), form(first));
        return Err(Error::Data(message));
    }
    let mut file = SIGNATURE.to_vec();
    let mut sequence = 0u32;
    let mut number = || {
        sequence += 1;
        (sequence - 1).to_be_bytes()
    };
    for (index, frame) in frames.iter().enumerate() {
        // Each frame is a PNG of its own, taken apart into its chunks.
        let png = picture::encode_png(frame)?;
        if index == 0 {
            chunks(&png).filter(|(kind, _)| *kind == b"IHDR").for_each(|(kind, data)| put(&mut file, kind, &[data]));
            put(&mut file, b"acTL", &[&(frames.len() as u32).to_be_bytes(), &0u32.to_be_bytes()]);
        }
        let sides = [frame.width as u32, frame.height as u32].map(u32::to_be_bytes).concat();
        let delay = if index + 1 == frames.len() { LAST } else { DELAY };
        let delay = [delay, 100].map(u16::to_be_bytes).concat();
        // No offset; a frame stays until the next replaces it.
        put(&mut file, b"fcTL", &[&number(), &sides, &[0; 8], &delay, &[0, 0]]);
        for (_, data) in chunks(&png).filter(|(kind, _)| *kind == b"IDAT") {
            match index {
                0 => put(&mut file, b"IDAT", &[data]),
                _ => put(&mut file, b"fdAT", &[&number(), data]),
            }
        }
    }
    put(&mut file, b"IEND", &[]);
    Ok(file)
}

/// The kinds and contents of the chunks of a sound PNG.
fn chunks(png: &[u8]) -> impl Iterator<Item = (&[u8; 4], &[u8])> {
    let mut rest = png.get(SIGNATURE.len()..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let (kind, after) = after.split_first_chunk::<4>()?;
        let (data, after) = after.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        rest = after.get(4..)?;
        Some((kind, data))
    })
}

/// Adds a chunk: length, kind, content, checksum of the last two.
fn put(file: &mut Vec<u8>, kind: &[u8; 4], parts: &[&[u8]]) {
    let data = parts.concat();
    let mut crc = Crc::new();
    crc.update(kind);
    crc.update(&data);
    file.extend((data.len() as u32).to_be_bytes());
    file.extend(kind);
    file.extend(data);
    file.extend(crc.sum().to_be_bytes());
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn frame(value: u8) -> Image {
        Image::new(5, 3, 3, (0..45).map(|index| value.wrapping_add(index)).collect()).unwrap()
    }

    #[test]
    fn every_frame_is_in_the_file_and_the_first_is_the_picture() {
        let frames = [frame(0), frame(90), frame(200)];
        let bytes = encode(&frames).unwrap();
        assert_eq!(picture::decode_bytes(&bytes, Path::new("a.png")).unwrap(), frames[0]);
        let kinds: Vec<&[u8; 4]> = chunks(&bytes).map(|(kind, _)| kind).collect();
        assert_eq!(kinds, [b"IHDR", b"acTL", b"fcTL", b"IDAT", b"fcTL", b"fdAT", b"fcTL", b"fdAT", b"IEND"]);
        // Sequence numbers run through both kinds of chunk; a frame's data are those of its own PNG.
        let numbered = chunks(&bytes).filter(|(kind, _)| [b"fcTL", b"fdAT"].contains(kind));
        let numbers: Vec<u32> =
            numbered.map(|(_, data)| u32::from_be_bytes(*data.first_chunk::<4>().unwrap())).collect();
        assert_eq!(numbers, [0, 1, 2, 3, 4]);
        let own = picture::encode_png(&frames[2]).unwrap();
        let own = chunks(&own).find(|(kind, _)| *kind == b"IDAT").unwrap().1;
        assert_eq!(chunks(&bytes).filter(|(kind, _)| *kind == b"fdAT").nth(1).unwrap().1[4..], *own);
        // A checksum of the specification's own: that of an empty IEND.
        assert!(bytes.ends_with(&[0xae, 0x42, 0x60, 0x82]));
    }

    #[test]
    fn frames_that_do_not_fit_are_refused() {
        assert!(encode(&[]).unwrap_err().to_string().contains("no frame"));
        let other = Image::new(4, 3, 3, vec![0; 36]).unwrap();
        let said = encode(&[frame(0), other]).unwrap_err().to_string();
        assert!(said.contains("(4, 3, 3)") && said.contains("(5, 3, 3)"), "{said}");
    }
}
