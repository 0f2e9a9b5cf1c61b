//! Which tokens a text is cut into.

use std::path::PathBuf;
use std::str::FromStr;

use ognivo_core::cli::suggest;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Most tokens a vocabulary may have: 2^20.
pub const LARGEST: usize = 1 << 20;

/// What a token is: in JSON `{"unit": "words", "min_count": 5}`. Settings left out have their defaults; an unknown one is an
/// error.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "unit", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Unit {
    /// A character: a Unicode scalar value.
    #[default]
    Characters,
    /// A byte; the vocabulary has all 256, so that any file can be learned and any prompt given.
    Bytes,
    /// A word: what stands between white space.
    Words(Words),
    /// A part of a word, found by byte-pair encoding.
    Subwords(Subwords),
}

/// Settings of [`Unit::Words`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Words {
    /// A word that occurs less often is `<unk>` (default 1: every word of the text has a token).
    pub min_count: usize,
    /// Most tokens, `<unk>` and `<eos>` included; the most frequent words stay (default none but 2^20).
    pub limit: Option<usize>,
}

/// Settings of [`Unit::Subwords`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Subwords {
    /// Most tokens, the 256 bytes included (default 4000). Not used with `file`.
    pub size: usize,
    /// A `tokenizer.json` to use as it is, instead of finding sub-words in the text.
    pub file: Option<PathBuf>,
}

impl Default for Words {
    fn default() -> Self {
        Self { min_count: 1, limit: None }
    }
}

impl Default for Subwords {
    fn default() -> Self {
        Self { size: 4000, file: None }
    }
}

impl FromStr for Unit {
    type Err = Error;

    /// The unit of that name; `words:10000` and `subwords:4000` set the most tokens, `subwords:path/tokenizer.json` the file.
    fn from_str(text: &str) -> Result<Self> {
        let (name, setting) = text.split_once(':').map_or((text, None), |(name, setting)| (name, Some(setting)));
        let number = |setting: &str| setting.parse().ok();
        Ok(match (name, setting) {
            ("characters", None) => Self::Characters,
            ("bytes", None) => Self::Bytes,
            ("words", None) => Self::Words(Words::default()),
            ("words", Some(limit)) => Self::Words(Words {
                limit: Some(number(limit).ok_or_else(|| Error::setting("unit", text, "words:NUMBER"))?),
                ..Words::default()
            }),
            ("subwords", None) => Self::Subwords(Subwords::default()),
            ("subwords", Some("")) => {
                return Err(Error::setting("unit", text, "subwords:NUMBER or subwords:PATH"));
            }
            ("subwords", Some(setting)) => Self::Subwords(match number(setting) {
                Some(size) => Subwords { size, ..Subwords::default() },
                None => Subwords { file: Some(setting.into()), ..Subwords::default() },
            }),
            ("characters" | "bytes", Some(_)) => {
                return Err(Error::setting("unit", text, format!("{name}, which has no setting")));
            }
            _ => return Err(ognivo_core::Error::Config(suggest::unknown("unit", name, &Self::NAMES)).into()),
        })
    }
}

impl Unit {
    /// The names of the units.
    pub const NAMES: [&str; 4] = ["characters", "bytes", "words", "subwords"];

    /// The unit's name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Characters => "characters",
            Self::Bytes => "bytes",
            Self::Words(_) => "words",
            Self::Subwords(_) => "subwords",
        }
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// A number out of range, by its key.
    pub fn validate(&self) -> Result<()> {
        match self {
            Self::Characters | Self::Bytes => {}
            Self::Words(words) => {
                if words.min_count == 0 {
                    return Err(Error::setting("min_count", 0, "at least 1"));
                }
                if let Some(limit) = words.limit.filter(|limit| !(3..=LARGEST).contains(limit)) {
                    return Err(Error::setting("limit", limit, format!("3 to {LARGEST}")));
                }
            }
            Self::Subwords(subwords) => {
                if subwords.file.is_none() && !(256..=LARGEST).contains(&subwords.size) {
                    return Err(Error::setting("size", subwords.size, format!("256 (the bytes) to {LARGEST}")));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_named() {
        let parsed = |text: &str| text.parse::<Unit>().unwrap();
        assert_eq!(parsed("characters"), Unit::Characters);
        assert_eq!(parsed("bytes"), Unit::Bytes);
        assert_eq!(parsed("words"), Unit::Words(Words { min_count: 1, limit: None }));
        assert_eq!(parsed("words:100"), Unit::Words(Words { min_count: 1, limit: Some(100) }));
        assert_eq!(parsed("subwords"), Unit::Subwords(Subwords { size: 4000, file: None }));
        assert_eq!(parsed("subwords:500"), Unit::Subwords(Subwords { size: 500, file: None }));
        let file = Some("a/tokenizer.json".into());
        assert_eq!(parsed("subwords:a/tokenizer.json"), Unit::Subwords(Subwords { size: 4000, file }));
        let error = |text: &str| text.parse::<Unit>().unwrap_err().to_string();
        assert_eq!(error("word"), r#"unknown unit "word"; did you mean "words"?"#);
        assert!(error("words:many").contains("expected words:NUMBER"));
        assert!(error("bytes:3").contains("has no setting"));
        assert!(error("subwords:").contains("subwords:PATH"));
        for name in Unit::NAMES {
            assert_eq!(parsed(name).name(), name);
        }
    }

    #[test]
    fn a_unit_is_an_object_in_json() {
        let read = |json: &str| serde_json::from_str::<Unit>(json);
        assert_eq!(read(r#"{"unit":"bytes"}"#).unwrap(), Unit::Bytes);
        let words = Unit::Words(Words { min_count: 5, limit: None });
        assert_eq!(read(r#"{"unit":"words","min_count":5}"#).unwrap(), words);
        assert_eq!(serde_json::to_string(&words).unwrap(), r#"{"unit":"words","min_count":5,"limit":null}"#);
        assert!(read(r#"{"unit":"words","mincount":5}"#).is_err());
        assert!(read(r#"{"unit":"syllables"}"#).is_err());
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        let error = |unit: Unit| unit.validate().unwrap_err().to_string();
        assert!(error(Unit::Words(Words { min_count: 0, limit: None })).contains("`min_count`: found 0"));
        assert!(error("words:2".parse().unwrap()).contains("`limit`: found 2"));
        assert!(error("subwords:255".parse().unwrap()).contains("`size`: found 255"));
        assert!(error("subwords:1048577".parse().unwrap()).contains("`size`"));
        "subwords:1048576".parse::<Unit>().unwrap().validate().unwrap();
    }
}
