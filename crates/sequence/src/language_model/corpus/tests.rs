use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use flate2::Compression;
use flate2::write::GzEncoder;
use ognivo_core::random::{self, Rng};
use tempfile::TempDir;

use super::*;

const QUIET: Output = Output { json: false, quiet: true };
const TEXT: &str = "The first line.\nThe second line is here.\nAnd a third.\n";

/// A folder with these files.
fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn open_path(path: &Path, options: &CorpusOptions) -> Result<Corpus> {
    open(path.to_str().unwrap(), options, 1, &QUIET)
}

fn open_bytes(content: &[u8], options: &CorpusOptions) -> Result<Corpus> {
    let folder = folder(&[("a.txt", content)]);
    open_path(&folder.path().join("a.txt"), options)
}

/// The parts put together again, and where the second begins.
fn whole(corpus: &Corpus) -> (String, usize) {
    let text = [&corpus.train.text[..], &corpus.valid.text].concat();
    (String::from_utf8(text).unwrap(), corpus.train.text.len())
}

fn said<T: std::fmt::Debug>(result: Result<T>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn one_file_is_divided_at_its_end() {
    let folder = folder(&[("my text.v2.txt", TEXT.as_bytes()), ("packed", &gzip(TEXT.as_bytes()))]);
    let corpus = open_path(&folder.path().join("my text.v2.txt"), &CorpusOptions::default()).unwrap();
    assert_eq!(whole(&corpus), (TEXT.into(), TEXT.len() * 9 / 10));
    assert_eq!((corpus.name.as_str(), corpus.entropy, corpus.test.is_none()), ("my-text", None, true));
    assert!(corpus.notes.len() == 2 && corpus.notes[0].contains("only 48 characters"), "{:?}", corpus.notes);
    let packed = open_path(&folder.path().join("packed"), &CorpusOptions::default()).unwrap();
    assert_eq!((packed.train, packed.valid), (corpus.train, corpus.valid));
    let half = CorpusOptions { valid_fraction: 0.5, ..CorpusOptions::default() };
    assert_eq!(open_bytes(b"abcdefgh", &half).unwrap().valid.text, b"efgh");
}

#[test]
fn a_part_is_known_by_its_checksum() {
    // FIPS 180-2, appendix B.1: SHA-256 of "abc".
    let half = CorpusOptions { valid_fraction: 0.5, ..CorpusOptions::default() };
    let sha256 = open_bytes(b"abcdef", &half).unwrap().train.sha256;
    assert_eq!(sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

#[test]
fn the_parts_begin_with_whole_characters() {
    for text in ["еёжзийклмн", "a😀b😀c😀d", "日本語日本語", "aé日😀éa日😀"] {
        for percent in 1..100 {
            let options = CorpusOptions { valid_fraction: f64::from(percent) / 100.0, ..CorpusOptions::default() };
            let corpus = open_bytes(text.as_bytes(), &options).unwrap();
            let parts = [corpus.train, corpus.valid].map(|part| String::from_utf8(part.text).unwrap());
            assert_eq!(parts.concat(), text);
            assert!(parts.iter().all(|part| part.chars().count() >= LEAST), "{percent} %: {parts:?}");
            let wanted = text.len() as f64 * f64::from(100 - percent) / 100.0;
            let inside = parts.iter().all(|part| part.chars().count() > LEAST);
            assert!(!inside || (parts[0].len() as f64 - wanted).abs() < 5.0, "{percent} %: {parts:?}");
        }
    }
}

#[test]
fn several_files_are_joined_in_order_and_a_folder_by_name() {
    let folder = folder(&[
        ("b.txt", b"second\n"),
        ("a.txt", b"first"),
        ("c/d.txt", b"third"),
        (".hidden", b"\xff"),
        ("e.gz", &gzip(b"last")),
    ]);
    let all = open_path(folder.path(), &CorpusOptions::default()).unwrap();
    assert_eq!(whole(&all).0, "first\nsecond\nthird\nlast");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let list = [path("b.txt"), path("a.txt"), path("c")].join(",");
    let some = open(&list, &CorpusOptions::default(), 1, &QUIET).unwrap();
    assert_eq!((whole(&some).0.as_str(), some.name.as_str()), ("second\nfirst\nthird", "b"));
    let bytes = CorpusOptions { bytes: true, ..CorpusOptions::default() };
    assert_eq!(whole(&open(&list, &bytes, 1, &QUIET).unwrap()).0, "second\nfirstthird");
    let missing = open(&[path("b.txt"), path("z.txt")].join(","), &CorpusOptions::default(), 1, &QUIET);
    assert!(said(missing).ends_with("z.txt\": no such file or folder"));
}

#[test]
fn a_comma_may_be_part_of_a_name() {
    let folder = folder(&[("a,b.txt", TEXT.as_bytes())]);
    assert!(open_path(&folder.path().join("a,b.txt"), &CorpusOptions::default()).is_ok());
}

#[test]
fn files_that_are_called_parts_are_the_parts() {
    let folder = folder(&[
        ("wiki.train.tokens", b"to learn from"),
        ("wiki.valid.tokens", b"to choose by"),
        ("wiki.test.tokens.gz", &gzip(b"to measure on")),
        ("LICENSE", b"other"),
    ]);
    let corpus = open_path(folder.path(), &CorpusOptions::default()).unwrap();
    let parts = [corpus.train.text, corpus.valid.text, corpus.test.unwrap().text];
    assert_eq!(parts, [&b"to learn from"[..], b"to choose by", b"to measure on"]);
    let skipped = corpus.notes.iter().filter(|note| note.contains("LICENSE: skipped")).count();
    assert!(skipped == 1 && corpus.notes[0].contains("wiki.train.tokens: the training part"), "{:?}", corpus.notes);
    let both = format!("{0},{0}", folder.path().display());
    assert!(said(open(&both, &CorpusOptions::default(), 1, &QUIET)).contains("has parts of its own"));
}

#[test]
fn without_a_validation_file_the_end_of_the_training_file_is_held_out() {
    let folder = folder(&[("train.txt", b"abcdefghijklmnopqrst"), ("test.txt", b"xyz")]);
    let corpus = open_path(folder.path(), &CorpusOptions::default()).unwrap();
    assert_eq!((&corpus.valid.text[..], &corpus.test.unwrap().text[..]), (&b"st"[..], &b"xyz"[..]));
}

#[test]
fn the_end_of_a_training_story_is_a_story() {
    let folder = folder(&[("a test.txt", b"aaa\n"), ("the train.txt", b"bbb\n")]);
    assert_eq!(whole(&open_path(folder.path(), &CorpusOptions::default()).unwrap()).0, "aaa\nbbb\n");
}

#[test]
fn line_ends_and_byte_order_marks_are_tidied_and_told() {
    let text = b"\xef\xbb\xbfone\r\ntwo\rthree\r\r\nfour\n\r\n";
    let corpus = open_bytes(text, &CorpusOptions::default()).unwrap();
    assert_eq!(whole(&corpus).0, "one\ntwo\rthree\r\nfour\n\n");
    assert!(corpus.notes[0].contains("byte order mark"), "{:?}", corpus.notes);
    assert!(corpus.notes[1].contains("3 line ends \\r\\n are read as \\n"), "{:?}", corpus.notes);
    let bytes = CorpusOptions { bytes: true, ..CorpusOptions::default() };
    let kept = open_bytes(text, &bytes).unwrap();
    assert_eq!([kept.train.text, kept.valid.text].concat(), text);
}

#[test]
fn what_is_not_utf8_is_named_by_byte_and_line() {
    let mut text = TEXT.as_bytes().to_vec();
    text[20] = 0xff;
    let message = said(open_bytes(&text, &CorpusOptions::default()));
    assert!(message.contains("a.txt: byte 20 (line 2): found byte 0xff"), "{message}");
    assert!(message.contains("--bytes"), "{message}");
    assert!(said(open_bytes(&gzip(&text), &CorpusOptions::default())).contains("byte 20 (line 2)"));
    assert!(said(open_bytes("абвг".as_bytes().split_last().unwrap().1, &CorpusOptions::default())).contains("cut off"));
    assert!(said(open_bytes(b"\xff\xfea\0b\0", &CorpusOptions::default())).contains("UTF-16"));
    let bytes = CorpusOptions { bytes: true, ..CorpusOptions::default() };
    assert_eq!(open_bytes(&text, &bytes).unwrap().train.text[20], 0xff);
}

#[test]
fn archives_are_not_taken_for_text() {
    let mut tar = vec![b'a'; 1024];
    tar[257..262].copy_from_slice(b"ustar");
    assert!(said(open_bytes(&gzip(&tar), &CorpusOptions::default())).contains("a tar archive"));
    assert!(said(open_bytes(b"PK\x03\x04 and so on", &CorpusOptions::default())).contains("a zip archive"));
}

#[test]
fn too_little_text_is_refused() {
    let bytes = CorpusOptions { bytes: true, ..CorpusOptions::default() };
    let default = CorpusOptions::default();
    for (text, options, expected) in [
        (&b""[..], &default, "a.txt: the text is empty; expected 4 characters at least"),
        (b"", &bytes, "the text is empty; expected 4 bytes"),
        (&gzip(b""), &default, "the text is empty"),
        (b"\xef\xbb\xbf", &default, "the text is empty"),
        (b"a", &default, "the text is one character"),
        ("é".as_bytes(), &default, "the text is one character"),
        ("éab".as_bytes(), &default, "the text is 3 characters"),
        (b"aaaaaaaaaa", &default, "the training part is the character \"a\" and nothing else"),
        (b"aaaaaaaaab", &default, "the training part is the character \"a\" and nothing else"),
        ("жжжжжжжжжж".as_bytes(), &default, "the character \"ж\""),
        (b"\xff\xff\xff\xff\xff\xff", &bytes, "the byte 0xff"),
    ] {
        let message = said(open_bytes(text, options));
        assert!(message.contains(expected), "{message}: should mention {expected}");
    }
    let folder = folder(&[("train.txt", b"ab"), ("valid.txt", b"a"), ("other/x", b"")]);
    assert!(said(open_path(folder.path(), &default)).contains("the validation part is one character"));
    assert!(said(open_path(&folder.path().join("other"), &default)).contains("the text is empty"));
    fs::remove_file(folder.path().join("other/x")).unwrap();
    assert!(said(open_path(&folder.path().join("other"), &default)).contains("found no file in this folder"));
}

#[test]
fn settings_and_names_without_meaning_are_refused() {
    for valid_fraction in [0.0, 1.0, -0.1, f64::NAN, f64::INFINITY] {
        let options = CorpusOptions { valid_fraction, ..CorpusOptions::default() };
        assert!(said(open_bytes(TEXT.as_bytes(), &options)).contains("valid_fraction"));
    }
    let named = |name: &str| said(open(name, &CorpusOptions::default(), 1, &QUIET));
    assert!(named("tiny-shakespere").contains("did you mean \"tiny-shakespeare\"?"));
    assert!(named("gramar").contains("did you mean \"grammar\"?"));
    assert!(named("mnist").contains("data set mnist is for image classification; expected one for a language model"));
    assert!(named("grammar,tiny-shakespeare").contains("cannot be joined"));
    assert!(named("").contains("no such file or folder") && named("none/such").contains("no such file"));
    let options = CorpusOptions { generate: usize::MAX, ..CorpusOptions::default() };
    assert!(said(open(GRAMMAR, &options, 1, &QUIET)).contains("generate"));
    let options = CorpusOptions { generate: 0, ..CorpusOptions::default() };
    assert!(said(open(GRAMMAR, &options, 1, &QUIET)).contains("the text is empty"));
}

#[test]
fn damaged_gzip_never_panics() {
    let packed = gzip(TEXT.repeat(50).as_bytes());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.txt");
    let mut rng = random::stream(5, &[]);
    let (mut opened, mut refused) = (0, 0);
    for _ in 0..2000 {
        let mut mutant = packed.clone();
        for _ in 0..1 + random::below(&mut rng, 3) {
            let at = random::below(&mut rng, mutant.len());
            match random::below(&mut rng, 4) {
                0 => mutant[at] ^= 1 << random::below(&mut rng, 8),
                1 => mutant.truncate(at + 1),
                2 => mutant.insert(at, rng.next_u32() as u8),
                _ => drop(mutant.remove(at)),
            }
            if mutant.is_empty() {
                mutant.push(0x1f);
            }
        }
        fs::write(&path, &mutant).unwrap();
        let options = CorpusOptions { bytes: rng.next_u32() & 1 == 0, ..CorpusOptions::default() };
        match open_path(&path, &options) {
            Ok(_) => opened += 1,
            Err(error) => {
                refused += 1;
                assert!(error.to_string().contains("a.txt"), "{error}");
            }
        }
    }
    assert!(refused > 1000 && opened > 0, "{opened} opened, {refused} refused");
}

#[test]
fn no_more_is_unpacked_than_allowed() {
    let folder = folder(&[("bomb.gz", &gzip(&vec![b' '; 10 << 20]))]);
    let paths = [folder.path().join("bomb.gz")];
    let mut room = 1 << 20;
    let message = said(read::join(&paths, false, &mut room, &mut Vec::new()));
    assert!(message.contains("bomb.gz") && message.contains("at most 1048576 bytes"), "{message}");
    let twice = [paths[0].clone(), paths[0].clone()];
    let mut room = 15 << 20;
    assert!(said(read::join(&twice, false, &mut room, &mut Vec::new())).contains("at most 5242880 bytes"));
}

/// Twice the text takes about twice the time, whether it has lines or not.
#[test]
fn a_single_long_line_takes_linear_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.txt");
    let seconds = |length: usize| {
        fs::write(&path, "ab\r cd é ".repeat(length / 10)).unwrap();
        let start = Instant::now();
        let corpus = open_path(&path, &CorpusOptions::default()).unwrap();
        assert_eq!(corpus.train.text.len() + corpus.valid.text.len(), length);
        start.elapsed().as_secs_f64()
    };
    // The best of three, since other work on the machine slows single ones down; quadratic time would be 256 times as long.
    let best = |length: usize| (0..3).map(|_| seconds(length)).fold(f64::INFINITY, f64::min);
    let (short, long) = (best(2_000_000), best(32_000_000));
    assert!(long < 16.0 * 6.0 * short.max(0.02), "{short} s, then {long} s for 16 times the text");
}

#[test]
fn generated_text_comes_with_its_entropy() {
    let options = CorpusOptions { generate: 200_000, ..CorpusOptions::default() };
    let corpus = open(GRAMMAR, &options, 3, &QUIET).unwrap();
    assert_eq!(corpus.entropy, Some(Grammar::english().unwrap().entropy()));
    assert!(corpus.notes.is_empty(), "{:?}", corpus.notes);
    assert_eq!(whole(&corpus).0, Grammar::english().unwrap().text(200_000, 3));
    assert_ne!(open(GRAMMAR, &options, 4, &QUIET).unwrap().train, corpus.train);
}

/// The sets that lie where `OGNIVO_DATA` says.
#[test]
fn real_sets_open() {
    let Some(data) = std::env::var_os("OGNIVO_DATA") else { return eprintln!("skipped: OGNIVO_DATA is not set") };
    let real = |name: &str| {
        if !Path::new(&data).join(name).is_dir() {
            eprintln!("skipped: {name} is not in OGNIVO_DATA");
            return None;
        }
        Some(open(name, &CorpusOptions::default(), 1, &QUIET).unwrap())
    };
    if let Some(corpus) = real("tiny-shakespeare") {
        let (text, at) = whole(&corpus);
        assert_eq!((text.len(), at, corpus.name.as_str()), (1_115_394, 1_003_854, "tiny-shakespeare"));
        assert!(corpus.notes.is_empty(), "{:?}", corpus.notes);
    }
    if let Some(corpus) = real("war-and-peace-ru") {
        let (text, at) = whole(&corpus);
        // The characters of the four volumes, and a line end behind the first three.
        assert_eq!(text.chars().count(), 825_013 + 855_571 + 920_929 + 900_279 + 3);
        assert!(text.is_char_boundary(at) && text[at..].contains("Наташа"));
    }
}
