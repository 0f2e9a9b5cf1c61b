//! Grids of pictures: samples, mistakes, filters.

use std::fmt::Write;

use super::text::escape;
use crate::Result;
use crate::data::{Image, picture};

/// Longest side a picture keeps in a report, in pixels.
const LARGEST: usize = 192;
/// The same of one that is to be looked at closely.
const WIDEST: usize = 640;

/// How a caption is to be taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// Neither.
    #[default]
    Neutral,
    /// As right; shown with a tick.
    Good,
    /// As wrong; shown with a cross.
    Bad,
}

/// A picture with its caption.
#[derive(Clone, Debug)]
pub struct Picture {
    uri: String,
    width: usize,
    height: usize,
    caption: String,
    detail: String,
    tone: Tone,
}

impl Picture {
    /// A picture and a caption, which is also what a reader who cannot see it is told.
    ///
    /// Sides longer than 192 pixels are shrunk; small pictures are enlarged by the page with crisp pixels.
    ///
    /// # Errors
    /// An image whose pixels do not fit its size.
    pub fn new(image: &Image, caption: impl Into<String>) -> Result<Self> {
        Self::at_most(LARGEST, image, caption)
    }

    /// The same with sides of up to 640 pixels, for a [large grid](PictureGrid::large).
    ///
    /// # Errors
    /// An image whose pixels do not fit its size.
    pub fn large(image: &Image, caption: impl Into<String>) -> Result<Self> {
        Self::at_most(WIDEST, image, caption)
    }

    fn at_most(largest: usize, image: &Image, caption: impl Into<String>) -> Result<Self> {
        let longer = image.width.max(image.height).max(largest);
        let shrunk = |side: usize| side.saturating_mul(largest).div_ceil(longer);
        let image = picture::resize(image, shrunk(image.width), shrunk(image.height))?;
        let (uri, width, height) = (data_uri(&image)?, image.width, image.height);
        Ok(Self { uri, width, height, caption: caption.into(), detail: String::new(), tone: Tone::Neutral })
    }

    /// A second, quieter line.
    pub fn detail(mut self, text: impl Into<String>) -> Self {
        self.detail = text.into();
        self
    }

    /// Marks the picture as right or wrong.
    pub fn tone(mut self, tone: Tone) -> Self {
        self.tone = tone;
        self
    }
}

/// Pictures side by side, as many in a row as there is room.
#[derive(Clone, Debug)]
pub struct PictureGrid {
    title: String,
    pictures: Vec<Picture>,
    large: bool,
}

impl PictureGrid {
    /// A grid without pictures yet.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), pictures: Vec::new(), large: false }
    }

    /// A grid of few pictures that are shown as large as the page allows.
    pub fn large(title: impl Into<String>) -> Self {
        Self { large: true, ..Self::new(title) }
    }

    /// Adds a picture.
    pub fn picture(mut self, picture: Picture) -> Self {
        self.push(picture);
        self
    }

    /// Adds a picture to a grid that is being filled in a loop.
    pub fn push(&mut self, picture: Picture) {
        self.pictures.push(picture);
    }

    pub(super) fn html(&self) -> String {
        let class = if self.large { "pictures large" } else { "pictures" };
        let mut html = format!("<div class=\"card\"><h3>{}</h3><ul class=\"{class}\">\n", escape(&self.title));
        for picture in &self.pictures {
            let Picture { uri, width, height, .. } = picture;
            let (caption, detail) = (escape(&picture.caption), escape(&picture.detail));
            let crisp = if (*width).max(*height) <= 64 { " class=\"crisp\"" } else { "" };
            let (tone, sign) = match picture.tone {
                Tone::Neutral => ("", ""),
                Tone::Good => (" class=\"good\"", "<span aria-hidden=\"true\">✓ </span>"),
                Tone::Bad => (" class=\"bad\"", "<span aria-hidden=\"true\">✗ </span>"),
            };
            let _ = write!(
                html,
                "<li{tone}><figure><div class=\"frame\"><img{crisp} src=\"{uri}\" width=\"{width}\" height=\"{height}\" \
                 alt=\"{caption}\"></div><figcaption><b>{sign}{caption}</b>"
            );
            if !detail.is_empty() {
                let _ = write!(html, "<span>{detail}</span>");
            }
            html.push_str("</figcaption></figure></li>\n");
        }
        html + "</ul></div>\n"
    }
}

/// A picture as an address that holds it.
pub(super) fn data_uri(image: &Image) -> Result<String> {
    Ok(format!("data:image/png;base64,{}", base64(&picture::encode_png(image)?)))
}

/// Base 64 with padding (RFC 4648, section 4), as data URIs want it.
fn base64(bytes: &[u8]) -> String {
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
    fn pictures_are_embedded_and_captioned() {
        let small = Image { width: 8, height: 8, channels: 1, pixels: vec![7; 64] };
        let large = Image { width: 400, height: 100, channels: 3, pixels: vec![7; 120_000] };
        let html = PictureGrid::new("Mistakes")
            .picture(Picture::new(&small, "a \"cat\"").unwrap().detail("true: <dog>").tone(Tone::Bad))
            .picture(Picture::new(&large, "wide").unwrap())
            .html();
        assert!(html.contains("<img class=\"crisp\" src=\"data:image/png;base64,iVBORw0KGgo"));
        assert!(html.contains("width=\"8\" height=\"8\" alt=\"a &quot;cat&quot;\""));
        assert!(html.contains("<span>true: &lt;dog&gt;</span>") && html.contains("<li class=\"bad\">"));
        assert!(html.contains("width=\"192\" height=\"48\" alt=\"wide\""));
        assert!(Picture::new(&Image { width: 1, height: 1, channels: 1, pixels: vec![] }, "").is_err());
    }

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
    fn long_sides_are_shrunk_and_short_ones_stay() {
        for ((width, height), expected) in
            [((5, 4), (5, 4)), ((192, 1), (192, 1)), ((384, 192), (192, 96)), ((1, 1000), (1, 192))]
        {
            let image = Image { width, height, channels: 3, pixels: vec![9; width * height * 3] };
            let shown = Picture::new(&image, "").unwrap();
            assert_eq!((shown.width, shown.height), expected);
        }
        let sheet = Image { width: 640, height: 320, channels: 1, pixels: vec![9; 640 * 320] };
        let html = PictureGrid::large("Samples").picture(Picture::large(&sheet, "").unwrap()).html();
        assert!(html.contains("class=\"pictures large\"") && html.contains("width=\"640\" height=\"320\""));
    }
}
