//! Vocabularies: what they cut a text into, what their tokens write, and how they are kept.

use std::fs;
use std::io::Read;
use std::path::Path;

use ognivo_core::run::{CONFIG, RunDirectory};
use ognivo_sequence::language_model::vocabulary::{FILE, TOKENIZER, Unit, Vocabulary};
use proptest::prelude::*;

fn unit(name: &str) -> Unit {
    name.parse().unwrap()
}

fn build(name: &str, text: &str) -> Vocabulary {
    Vocabulary::build(&unit(name), text.as_bytes()).unwrap()
}

fn run_in(folder: &Path) -> RunDirectory {
    let run = RunDirectory::create(folder.join("run")).unwrap();
    run.write_json(CONFIG, &0).unwrap();
    run
}

fn written(vocabulary: &Vocabulary, tokens: &[u32]) -> String {
    String::from_utf8(vocabulary.decode(tokens)).unwrap()
}

#[test]
fn characters_are_numbered_by_code_point() {
    let vocabulary = build("characters", "Жaba\n😀");
    assert_eq!(vocabulary.len(), 5);
    assert_eq!(vocabulary.encode("\nabЖ😀".as_bytes()).unwrap(), [0, 1, 2, 3, 4]);
    assert_eq!(vocabulary.bytes_of(4), "😀".as_bytes());
    assert_eq!(vocabulary.bytes_of(5), b"");
    assert_eq!((vocabulary.start(), vocabulary.unknown()), (0, None));
    assert_eq!(build("characters", "ba").start(), 0);
    assert_eq!(build("characters", "\tx\n").start(), 1);
}

#[test]
fn an_unknown_character_is_named_with_its_place() {
    let vocabulary = build("characters", "ab\n");
    let error = |text: &[u8]| vocabulary.encode(text).unwrap_err().to_string();
    assert_eq!(
        error("ab\nbЖaЖ".as_bytes()),
        "line 2, column 2: the character 'Ж' (U+0416) is not among the 3 of the vocabulary"
    );
    assert!(error(b"xyz").ends_with(
        "column 1: the character 'x' (U+0078) is not among the 3 of the vocabulary, and 2 other characters neither"
    ));
    assert!(error(b"xy").ends_with("and 1 other character neither"));
    assert_eq!(
        error(b"ab\xffb"),
        "byte 2 of the text, 0xff, is no part of a UTF-8 character; for such text use the unit `bytes`"
    );
}

#[test]
fn bytes_take_any_text() {
    let vocabulary = Vocabulary::build(&Unit::Bytes, b"").unwrap();
    let text: Vec<u8> = (0..=255).collect();
    let tokens = vocabulary.encode(&text).unwrap();
    assert_eq!(tokens, (0..256).collect::<Vec<u32>>());
    assert_eq!(vocabulary.decode(&tokens), text);
    assert_eq!((vocabulary.len(), vocabulary.start()), (256, 10));
    assert_eq!((vocabulary.bytes_of(256), vocabulary.bytes_of(u32::MAX)), (&b""[..], &b""[..]));
}

#[test]
fn nothing_to_learn_is_said() {
    for name in ["characters", "words", "subwords"] {
        let error = Vocabulary::build(&unit(name), b"").unwrap_err().to_string();
        assert!(error.contains("to learn"), "{name}: {error}");
        let error = Vocabulary::build(&unit(name), b"\xc3(").unwrap_err().to_string();
        assert!(error.starts_with("byte 0 of the text, 0xc3,"), "{name}: {error}");
    }
    assert!(Vocabulary::build(&unit("words"), b" \n ").unwrap_err().to_string().contains("no words"));
    assert_eq!(build("characters", "aaa").len(), 1);
}

#[test]
fn words_are_numbered_by_frequency() {
    let vocabulary = build("words", "b a  b\tc\r\n b a\n\n");
    assert_eq!(vocabulary.len(), 5, "<unk> <eos> b a c");
    let tokens = vocabulary.encode(b"c b\n\na d").unwrap();
    assert_eq!(tokens, [4, 2, 1, 1, 3, 0]);
    assert_eq!(written(&vocabulary, &tokens), "c b\n\na <unk>");
    assert_eq!((vocabulary.start(), vocabulary.unknown()), (1, Some(0)));
    assert_eq!(vocabulary.bytes_of(2), b" b");
    assert_eq!(vocabulary.bytes_after(Some(b'x'), 2), b" b");
    assert_eq!(vocabulary.bytes_after(Some(b'\n'), 2), b"b");
    assert_eq!(build("words:4", "b a b c").encode(b"b a c").unwrap(), [2, 3, 0]);
    let frequent = serde_json::from_str(r#"{"unit": "words", "min_count": 2}"#).unwrap();
    assert_eq!(Vocabulary::build(&frequent, b"b a b c").unwrap().len(), 3);
}

/// Lines as in the files of the Penn Treebank: `<unk>` is already there, every line ends, and `<eos>` is counted for it.
#[test]
fn token_lists_have_the_tokens_of_the_field() {
    let text = " no it was n't black monday \n but <unk> the new york stock exchange did n't fall apart \n";
    let vocabulary = build("words", text);
    let tokens = vocabulary.encode(text.as_bytes()).unwrap();
    assert_eq!(tokens.len(), text.split_whitespace().count() + 2);
    let different: std::collections::BTreeSet<_> = text.split_whitespace().chain(["<eos>"]).collect();
    assert_eq!(vocabulary.len(), different.len());
    assert_eq!(tokens.iter().filter(|&&token| token == 0).count(), 1);
}

const TEXT: &str = "she sells sea shells by the sea shore; the shells she sells are sea shells, I'm sure.\n\n";

#[test]
fn subwords_write_any_text() {
    let vocabulary = build("subwords:300", &TEXT.repeat(4));
    assert!(vocabulary.len() > 256 && vocabulary.len() <= 300, "{}", vocabulary.len());
    let tokens = vocabulary.encode(TEXT.as_bytes()).unwrap();
    assert!(tokens.len() * 2 < TEXT.len(), "{} tokens", tokens.len());
    assert_eq!(written(&vocabulary, &tokens), TEXT);
    let foreign = "Жа\u{0}日😀  x";
    assert_eq!(written(&vocabulary, &vocabulary.encode(foreign.as_bytes()).unwrap()), foreign);
    assert_eq!(vocabulary.unknown(), None);
    assert_eq!(vocabulary.bytes_of(vocabulary.start()), b"\n");
    let again = build("subwords:300", &TEXT.repeat(4));
    assert_eq!(again.encode(TEXT.as_bytes()).unwrap(), tokens, "training gives the same tokens again");
}

/// A text longer than what is encoded at once has the tokens that it would have as a whole.
#[test]
fn a_long_text_is_encoded_as_a_whole() {
    let vocabulary = build("subwords:400", TEXT);
    let tokens = vocabulary.encode(TEXT.repeat(2000).as_bytes()).unwrap();
    assert_eq!(tokens, vocabulary.encode(TEXT.as_bytes()).unwrap().repeat(2000));
    let line = "sea ".repeat(400_000);
    assert_eq!(written(&vocabulary, &vocabulary.encode(line.as_bytes()).unwrap()), line);
}

#[test]
fn a_vocabulary_comes_back_from_its_run() {
    for name in ["characters", "bytes", "words:20", "subwords:300"] {
        let folder = tempfile::tempdir().unwrap();
        let run = run_in(folder.path());
        let text = format!("{TEXT}\"Жа\" \\ \u{1} <unk>");
        let vocabulary = build(name, &text);
        vocabulary.save(&run).unwrap();
        assert_eq!(run.file(TOKENIZER).exists(), name.starts_with("subwords"));
        let opened = Vocabulary::open(&run).unwrap();
        assert_eq!((opened.unit(), opened.len()), (vocabulary.unit(), vocabulary.len()));
        assert_eq!(opened.encode(text.as_bytes()).unwrap(), vocabulary.encode(text.as_bytes()).unwrap());
        for token in 0..vocabulary.len() as u32 {
            assert_eq!(opened.bytes_of(token), vocabulary.bytes_of(token), "{name} {token}");
        }
    }
}

#[test]
fn faults_of_the_file_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let run = run_in(folder.path());
    assert!(Vocabulary::open(&run).unwrap_err().to_string().contains("vocabulary.json: cannot"));
    for (json, said) in [
        (r#"{"unit": {"unit": "characters"}}"#, "entries: found 0 different characters"),
        (
            r#"{"unit": {"unit": "characters"}, "entries": ["a", "bc"]}"#,
            r#"entries, number 1: found "bc"; expected one"#,
        ),
        (r#"{"unit": {"unit": "characters"}, "entries": ["a", ""]}"#, r#"entries, number 1: found """#),
        (r#"{"unit": {"unit": "characters"}, "entries": ["b", "a"]}"#, "'b' (U+0062) before 'a' (U+0061)"),
        (r#"{"unit": {"unit": "characters"}, "entries": ["a", "a"]}"#, "'a' (U+0061) before 'a'"),
        (r#"{"unit": {"unit": "bytes"}, "entries": ["a"]}"#, "entries: found 1 entries; expected none"),
        (r#"{"unit": {"unit": "words"}, "entries": ["a"]}"#, "beginning other than"),
        (r#"{"unit": {"unit": "words"}, "entries": ["<unk>", "<eos>", "a b"]}"#, r#"found "a b""#),
        (r#"{"unit": {"unit": "words"}, "entries": ["<unk>", "<eos>", "a", "a"]}"#, r#"found "a" twice"#),
        (r#"{"unit": {"unit": "words", "min_count": 0}, "entries": []}"#, "`min_count`: found 0"),
        (r#"{"unit": {"unit": "subwords"}}"#, "tokenizer.json: cannot"),
        (r#"{"unit": {"unit": "letters"}}"#, "line 1"),
        (r#"{"unit": {"unit": "bytes"}, "other": 1}"#, "unknown field `other`"),
    ] {
        fs::write(run.file(FILE), json).unwrap();
        let error = Vocabulary::open(&run).unwrap_err().to_string();
        assert!(error.contains(said) && error.contains(".json"), "{json}: {error}");
    }
}

#[test]
fn characters_are_counted_in_any_text() {
    let vocabulary = build("words", "a");
    assert_eq!(vocabulary.characters("Жa\n😀".as_bytes()), 4);
    assert_eq!(vocabulary.characters(b"a\xff\xfeb\xd0"), 5);
}

/// A text below `$OGNIVO_DATA`; where it is absent, says so on standard error and gives `None`.
fn real(path: &str) -> Option<Vec<u8>> {
    let bytes = std::env::var_os("OGNIVO_DATA").and_then(|root| fs::read(Path::new(&root).join(path)).ok());
    let Some(bytes) = bytes else {
        eprintln!("skipped: no file {path} below the folder that OGNIVO_DATA names");
        return None;
    };
    let mut text = Vec::new();
    match path.ends_with(".gz") {
        true => _ = flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_end(&mut text).unwrap(),
        false => text = bytes,
    }
    Some(text)
}

/// 65 characters: the vocabulary of char-rnn's and nanoGPT's published results.
#[test]
fn tiny_shakespeare_has_65_characters() {
    let Some(text) = real("tiny-shakespeare/input.txt") else { return };
    let vocabulary = Vocabulary::build(&Unit::Characters, &text).unwrap();
    let tokens = vocabulary.encode(&text).unwrap();
    assert_eq!((vocabulary.len(), tokens.len()), (65, 1_115_394));
    // "First Citizen:", as nanoGPT numbers the sorted characters.
    assert_eq!(tokens[..14], [18, 47, 56, 57, 58, 1, 15, 47, 58, 47, 64, 43, 52, 10]);
}

#[test]
fn russian_text_comes_back() {
    let Some(text) = real("war-and-peace-ru/voina-i-mir-tom-1.txt.gz") else { return };
    for name in ["characters", "bytes", "subwords:1000"] {
        let vocabulary = Vocabulary::build(&unit(name), &text).unwrap();
        let tokens = vocabulary.encode(&text).unwrap();
        assert!(vocabulary.decode(&tokens) == text, "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn characters_of_a_text_write_it(text in "(?s).{1,60}") {
        let vocabulary = build("characters", &text);
        let tokens = vocabulary.encode(text.as_bytes()).unwrap();
        prop_assert_eq!(tokens.len(), vocabulary.characters(text.as_bytes()));
        prop_assert_eq!(written(&vocabulary, &tokens), text);
    }

    #[test]
    fn words_of_a_text_write_it_with_single_spaces(text in "([abЖ]{1,3}|[ \t\u{a0}]|\n){1,30}") {
        prop_assume!(!text.trim().is_empty());
        let vocabulary = build("words", &text);
        let lines = text.split('\n').map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        let tokens = vocabulary.encode(text.as_bytes()).unwrap();
        prop_assert_eq!(written(&vocabulary, &tokens), lines.collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn subwords_of_any_text_write_it(text in "(?s).{0,60}", sea in "(sea|shell|\n| ){0,9}") {
        let vocabulary = build("subwords:300", TEXT);
        let text = text + &sea;
        prop_assert_eq!(written(&vocabulary, &vocabulary.encode(text.as_bytes()).unwrap()), text);
    }
}
