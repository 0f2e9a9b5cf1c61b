//! How the tokens of a `tokenizer.json` spell text.

use serde_json::Value;

use super::subwords::Fault;

/// What the decoder of a tokenizer does to a token, told from the token alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    /// Every character stands for a byte (GPT-2, Llama 3).
    Bytes,
    /// `▁` stands for a space, `<0x0A>` for a byte (SentencePiece: Llama 2, T5).
    Spaces {
        /// Whether a text begins with a space that is not its own.
        prepended: bool,
    },
    /// A prefix, as a rule `##`, tells that a token goes on with a word; others begin one after a space (BERT).
    Prefixed { prefix: String },
    /// A suffix, as a rule `</w>`, tells that a word ends: a space follows.
    Suffixed { suffix: String },
}

impl Spelling {
    /// The spelling of the tokenizer in a file.
    ///
    /// # Errors
    /// A decoder that is none of these.
    pub(super) fn of(json: &Value) -> Result<Self, Fault> {
        let decoder = &json["decoder"];
        let one = std::slice::from_ref(decoder);
        let steps = decoder["decoders"].as_array().map_or(one, Vec::as_slice);
        let step = |name: &str| steps.iter().find(|step| step["type"] == name);
        let text = |step: &Value, key: &str| step[key].as_str().map(String::from).filter(|text| !text.is_empty());
        let underline = |step: &Value| step["pattern"]["String"] == "▁" && step["content"] == " ";
        let spelling = if step("ByteLevel").is_some() {
            Some(Self::Bytes)
        } else if let Some(step) = step("Metaspace").filter(|step| step["replacement"] == "▁") {
            let never = step["prepend_scheme"] == "never" || step["add_prefix_space"] == false;
            Some(Self::Spaces { prepended: !never })
        } else if step("Replace").is_some_and(underline) {
            Some(Self::Spaces { prepended: step("Strip").is_some() })
        } else if let Some(step) = step("WordPiece") {
            text(step, "prefix").map(|prefix| Self::Prefixed { prefix })
        } else if let Some(step) = step("BPEDecoder") {
            text(step, "suffix").map(|suffix| Self::Suffixed { suffix })
        } else {
            None
        };
        spelling.ok_or_else(|| {
            let found: String = decoder.to_string().chars().take(200).collect();
            ("decoder".into(), found, "ByteLevel, Metaspace, Replace of ▁, WordPiece or BPEDecoder".into())
        })
    }

    /// What a token writes.
    pub(super) fn bytes(&self, token: &str) -> Vec<u8> {
        match self {
            Self::Bytes => token.chars().map(byte).collect::<Option<_>>().unwrap_or_else(|| token.into()),
            Self::Spaces { .. } => raw_byte(token).map_or_else(|| token.replace('▁', " ").into(), |byte| vec![byte]),
            Self::Prefixed { prefix } => {
                token.strip_prefix(prefix).map_or_else(|| format!(" {token}"), String::from).into()
            }
            Self::Suffixed { suffix } => {
                token.strip_suffix(suffix).map_or_else(|| token.into(), |word| format!("{word} ")).into()
            }
        }
    }
}

/// Whether the tokenizer puts a space before what it encodes.
pub(super) fn prepends_space(json: &Value) -> bool {
    let pre_tokenizer = &json["pre_tokenizer"];
    let one = std::slice::from_ref(pre_tokenizer);
    let steps = pre_tokenizer["pretokenizers"].as_array().map_or(one, Vec::as_slice);
    steps.iter().any(|step| step["type"] == "Metaspace" || step["add_prefix_space"] == true)
}

/// The byte for which a character stands in GPT-2's tokens: those of Latin-1 that can be seen stand for themselves, the
/// characters from U+0100 for the 68 other bytes in their order.
fn byte(character: char) -> Option<u8> {
    let visible = |byte: u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    match u8::try_from(character) {
        Ok(byte) => visible(byte).then_some(byte),
        Err(_) => (0..=255).filter(|&byte| !visible(byte)).nth(u32::from(character) as usize - 0x100),
    }
}

/// The byte of `<0x0A>`.
fn raw_byte(token: &str) -> Option<u8> {
    let digits = token.strip_prefix("<0x")?.strip_suffix('>')?;
    let hexadecimal = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    hexadecimal.then(|| u8::from_str_radix(digits, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;
    use tokenizers::pre_tokenizers::byte_level::ByteLevel;

    use super::*;

    #[test]
    fn every_byte_has_its_character() {
        let bytes: BTreeSet<_> = ByteLevel::alphabet().into_iter().map(|c| byte(c).unwrap()).collect();
        assert_eq!(bytes.len(), 256);
        assert_eq!((byte('Ġ'), byte('Ċ'), byte('a'), byte('Ń')), (Some(b' '), Some(b'\n'), Some(b'a'), Some(0xad)));
        assert_eq!((byte(' '), byte('ń'), byte('日')), (None, None, None));
    }

    #[test]
    fn decoders_are_recognised() {
        let of = |decoder: Value| Spelling::of(&json!({ "decoder": decoder }));
        assert_eq!(of(json!({"type": "ByteLevel"})).unwrap(), Spelling::Bytes);
        let llama = json!({"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
            {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]});
        let spelling = of(llama).unwrap();
        assert_eq!(spelling, Spelling::Spaces { prepended: true });
        assert_eq!(spelling.bytes("▁the"), b" the");
        assert_eq!(spelling.bytes("<0xD0>"), [0xd0]);
        assert_eq!(spelling.bytes("<0x+1>"), b"<0x+1>");
        let bert = of(json!({"type": "WordPiece", "prefix": "##", "cleanup": true})).unwrap();
        assert_eq!((bert.bytes("##ing"), bert.bytes("go")), (b"ing".to_vec(), b" go".to_vec()));
        let suffix = of(json!({"type": "BPEDecoder", "suffix": "</w>"})).unwrap();
        assert_eq!((suffix.bytes("ing</w>"), suffix.bytes("go")), (b"ing ".to_vec(), b"go".to_vec()));
        let (place, found, _) = of(json!({"type": "CTC"})).unwrap_err();
        assert_eq!((place.as_str(), found.as_str()), ("decoder", r#"{"type":"CTC"}"#));
        assert!(of(Value::Null).is_err());
    }
}
