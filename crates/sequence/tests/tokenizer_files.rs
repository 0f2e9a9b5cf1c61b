//! `tokenizer.json` of other makers: our text is the tokenizers library's, and damaged files are errors.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use ognivo_core::random::{ChaCha8Rng, below, stream};
use ognivo_core::run::{CONFIG, RunDirectory};
use ognivo_sequence::Result;
use ognivo_sequence::language_model::vocabulary::{FILE, TOKENIZER, Unit, Vocabulary};
use serde_json::{Value, json};
use tokenizers::Tokenizer;

const TEXT: &str = "she sells sea shells by the sea shore; the shells she sells are sea shells.";

/// The characters of [`TEXT`] and all bytes, with merges that join its words.
fn sentencepiece() -> Value {
    let mut vocab: HashMap<String, usize> = HashMap::new();
    let mut add = |token: String| {
        let next = vocab.len();
        vocab.entry(token).or_insert(next);
    };
    add("<unk>".into());
    (0..=255u8).for_each(|byte| add(format!("<0x{byte:02X}>")));
    TEXT.replace(' ', "▁").chars().for_each(|c| add(c.to_string()));
    ["▁s", "▁se", "▁sea", "sh", "▁sh", "el", "ell", "▁shell"].into_iter().for_each(|token| add(token.into()));
    let merges = ["▁ s", "▁s e", "▁se a", "e l", "el l", "▁s h", "▁sh ell"];
    json!({
        "version": "1.0",
        "truncation": {"direction": "Right", "max_length": 5, "strategy": "LongestFirst", "stride": 0},
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
        "pre_tokenizer": null,
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
            {"type": "ByteFallback"}, {"type": "Fuse"},
            {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
        "model": {"type": "BPE", "dropout": null, "unk_token": "<unk>", "fuse_unk": true, "byte_fallback": true,
            "vocab": vocab, "merges": merges},
    })
}

fn unigram() -> Value {
    let pieces = ["<unk>", "▁", "▁se", "a", "▁she", "ll", "s", "▁the", "▁b", "y", "▁sh", "o", "r", "e", ";", ".", "l"];
    let vocab: Vec<_> = pieces.iter().zip(1..).map(|(piece, rank)| json!([piece, -f64::from(rank) / 4.0])).collect();
    let metaspace = json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true});
    json!({
        "version": "1.0", "normalizer": null, "pre_tokenizer": metaspace, "decoder": metaspace,
        "model": {"type": "Unigram", "unk_id": 0, "vocab": vocab, "byte_fallback": false},
    })
}

fn wordpiece() -> Value {
    let tokens = ["[UNK]", "she", "sell", "##s", "sea", "shell", "by", "the", "shore", ";", "are", ".", "[MASK]"];
    let vocab: HashMap<_, _> = tokens.iter().zip(0..).collect();
    json!({
        "version": "1.0",
        "added_tokens": [{"id": 12, "content": "[MASK]", "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true}],
        "normalizer": null, "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "BertProcessing", "sep": ["she", 1], "cls": ["sea", 4]},
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": false},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": vocab},
    })
}

fn suffixed() -> Value {
    let letters = TEXT.chars().filter(|c| *c != ' ').flat_map(|c| [c.to_string(), format!("{c}</w>")]);
    let mut tokens: Vec<_> = letters.chain(["se".into(), "sea</w>".into()]).collect();
    tokens.sort();
    tokens.dedup();
    let vocab: HashMap<_, _> = tokens.iter().zip(0..).collect();
    json!({
        "version": "1.0", "normalizer": {"type": "Lowercase"}, "pre_tokenizer": {"type": "WhitespaceSplit"},
        "decoder": {"type": "BPEDecoder", "suffix": "</w>"},
        "model": {"type": "BPE", "end_of_word_suffix": "</w>", "continuing_subword_prefix": "",
            "vocab": vocab, "merges": [["s", "e"], ["se", "a</w>"]]},
    })
}

/// What the library trains itself, with an added token as GPT-2 has one.
fn byte_level() -> Value {
    let folder = tempfile::tempdir().unwrap();
    let run = run_in(folder.path());
    Vocabulary::build(&"subwords:280".parse().unwrap(), TEXT.repeat(3).as_bytes()).unwrap().save(&run).unwrap();
    let mut json: Value = run.read_json(TOKENIZER).unwrap();
    json["added_tokens"] = json!([{"id": 280, "content": "<|endoftext|>", "single_word": false, "lstrip": false,
        "rstrip": false, "normalized": false, "special": true}]);
    json
}

fn all() -> [(&'static str, Value); 5] {
    [
        ("SentencePiece BPE", sentencepiece()),
        ("Unigram", unigram()),
        ("WordPiece", wordpiece()),
        ("BPE with suffixes", suffixed()),
        ("byte-level BPE", byte_level()),
    ]
}

fn run_in(folder: &Path) -> RunDirectory {
    let run = RunDirectory::create(folder.join("run")).unwrap();
    run.write_json(CONFIG, &0).unwrap();
    run
}

fn opened(path: &Path) -> Result<Vocabulary> {
    Vocabulary::build(&format!("subwords:{}", path.display()).parse::<Unit>().unwrap(), b"")
}

#[test]
fn our_text_is_that_of_the_library() {
    for (name, json) in all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokenizer.json");
        fs::write(&path, json.to_string()).unwrap();
        let vocabulary = opened(&path).unwrap();
        let mut library = Tokenizer::from_bytes(json.to_string()).unwrap();
        library.with_truncation(None).unwrap();
        for text in [TEXT, "sea", "she sells", "sea Жx\n"] {
            let tokens = vocabulary.encode(text.as_bytes()).unwrap();
            assert_eq!(tokens, library.encode(text, false).unwrap().get_ids(), "{name}: {text}");
            let written = String::from_utf8(vocabulary.decode(&tokens)).unwrap();
            // The library has no space after the last word of a text; ours may go on.
            let written = if name == "BPE with suffixes" { written.trim_end() } else { &written };
            assert_eq!(written, library.decode(&tokens, false).unwrap(), "{name}: {text}");
        }
        // The run keeps its own copy.
        let run = run_in(folder.path());
        vocabulary.save(&run).unwrap();
        fs::remove_file(&path).unwrap();
        let again = Vocabulary::open(&run).unwrap();
        assert_eq!(again.encode(TEXT.as_bytes()).unwrap(), vocabulary.encode(TEXT.as_bytes()).unwrap(), "{name}");
        assert_eq!((again.len(), again.unknown()), (vocabulary.len(), vocabulary.unknown()), "{name}");
    }
}

#[test]
fn special_tokens_and_unknown_ones() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokenizer.json");
    let open = |json: Value| {
        fs::write(&path, json.to_string()).unwrap();
        opened(&path).unwrap()
    };
    let bert = open(wordpiece());
    assert_eq!((bert.len(), bert.unknown()), (13, Some(0)));
    assert_eq!(bert.encode(b"she [MASK] Zebra").unwrap(), [1, 12, 0]);
    assert_eq!(bert.bytes_of(12), b"[MASK]");
    assert_eq!(open(unigram()).unknown(), Some(0));
    let gpt = open(byte_level());
    let end = gpt.len() as u32 - 1;
    assert_eq!(gpt.bytes_of(end), b"<|endoftext|>");
    assert_eq!(gpt.encode(b"<|endoftext|>").unwrap(), [end]);
}

#[test]
fn faults_of_a_tokenizer_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokenizer.json");
    let error = |text: String| {
        fs::write(&path, text).unwrap();
        opened(&path).unwrap_err().to_string()
    };
    assert!(opened(&folder.path().join("none.json")).unwrap_err().to_string().contains("none.json: cannot"));
    assert!(error("{\n\"model\": }".into()).contains("tokenizer.json: line 2"));
    assert!(error("[]".into()).contains("tokenizer.json: tokenizer: found"));
    let changed = |key: &str, value: Value| {
        let mut json = suffixed();
        *json.pointer_mut(key).unwrap() = value;
        json.to_string()
    };
    assert!(error(changed("/version", json!("9"))).contains("tokenizer: found Unknown tokenizer version '9'"));
    assert!(error(changed("/decoder", json!({"type": "Fuse"}))).contains(r#"decoder: found {"type":"Fuse"}"#));
    assert!(
        error(changed("/model/vocab", json!({"s": 0, "e": 1, "se": 2, "a</w>": 3})))
            .contains("model.merges, number 1: found")
    );
    let model = json!({"type": "BPE", "vocab": {"s": 0, "e": 1 << 20}, "merges": []});
    assert!(error(changed("/model", model)).contains("model.vocab: found 1048577 tokens; expected 2 to 1048576"));
    let mut model =
        json!({"type": "BPE", "continuing_subword_prefix": "##", "vocab": {"s": 0, "e": 1}, "merges": ["s e"]});
    let found = r#"model.merges, number 0: found "s" "e"; expected "#;
    assert!(error(changed("/model", model.clone())).contains(&format!("{found}the second to begin with \"##\"")));
    model["continuing_subword_prefix"] = json!("");
    assert!(error(changed("/model", model)).contains(&format!("{found}\"se\" among the tokens")));
}

/// Damages the text of a JSON file: bytes flipped, cut, doubled, overwritten.
fn damaged_text(text: &str, rng: &mut ChaCha8Rng) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..=below(rng, 3) {
        let at = below(rng, bytes.len());
        let end = (at + 1 + below(rng, 20)).min(bytes.len());
        match below(rng, 5) {
            0 => bytes[at] ^= 1 << below(rng, 8),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let stretch = bytes[at..end].to_vec();
                bytes.splice(at..at, stretch);
            }
            3 => bytes[at] = b"\"{}[],:09-ntf\\"[below(rng, 14)],
            _ if at > bytes.len() / 2 => bytes.truncate(at),
            _ => bytes[at..end].fill(b'9'),
        }
        if bytes.is_empty() {
            break;
        }
    }
    bytes
}

/// Puts another value in some places of a JSON tree, or takes a member away.
fn damage(value: &mut Value, odds: usize, rng: &mut ChaCha8Rng) {
    if below(rng, odds) == 0 {
        const OTHERS: [&str; 16] = [
            "null",
            "true",
            "-1",
            "0",
            "1e300",
            "4294967295",
            "18446744073709551615",
            "\"\"",
            "\"▁\"",
            "\"##\"",
            "[]",
            "{}",
            "[[]]",
            "{\"type\":\"Sequence\"}",
            "{\"String\":\"\"}",
            "{\"Regex\":\"(\"}",
        ];
        *value = serde_json::from_str(OTHERS[below(rng, OTHERS.len())]).unwrap();
        return;
    }
    match value {
        Value::Array(items) => {
            if !items.is_empty() && below(rng, odds) == 0 {
                items.remove(below(rng, items.len()));
            }
            items.iter_mut().for_each(|item| damage(item, odds, rng));
        }
        Value::Object(members) => {
            if !members.is_empty() && below(rng, odds) == 0 {
                let key = members.keys().nth(below(rng, members.len())).cloned().unwrap();
                members.remove(&key);
            }
            members.values_mut().for_each(|member| damage(member, odds, rng));
        }
        _ => {}
    }
}

fn count(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(count).sum::<usize>(),
        Value::Object(members) => 1 + members.values().map(count).sum::<usize>(),
        _ => 1,
    }
}

/// Opens a run with a damaged file, and uses the vocabulary if it is one nevertheless; gives how many were refused.
fn refused(run: &RunDirectory, file: &str, json: &Value, mutants: usize) -> usize {
    let text = json.to_string();
    let nodes = count(json);
    let mut rng = stream(nodes as u64, &[]);
    let refused = (0..mutants).filter(|mutant| {
        let bytes = if mutant % 2 == 0 {
            damaged_text(&text, &mut rng)
        } else {
            let mut json = json.clone();
            damage(&mut json, nodes.min(200), &mut rng);
            json.to_string().into_bytes()
        };
        fs::write(run.file(file), bytes).unwrap();
        match Vocabulary::open(run) {
            Err(error) => assert!(error.to_string().contains(".json"), "{error}"),
            Ok(vocabulary) => {
                let tokens = vocabulary.encode("sea shells Ж\n".as_bytes()).unwrap_or_default();
                assert!(tokens.iter().all(|&token| (token as usize) < vocabulary.len()));
                vocabulary.decode(&tokens);
                return false;
            }
        }
        true
    });
    refused.count()
}

#[test]
fn damaged_vocabularies_are_errors() {
    for name in ["characters", "bytes", "words", "subwords:300"] {
        let folder = tempfile::tempdir().unwrap();
        let run = run_in(folder.path());
        Vocabulary::build(&name.parse().unwrap(), TEXT.as_bytes()).unwrap().save(&run).unwrap();
        let json = run.read_json(FILE).unwrap();
        let refused = refused(&run, FILE, &json, 1000);
        assert!((300..1000).contains(&refused), "{name}: {refused}");
    }
}

#[test]
fn damaged_tokenizers_are_errors() {
    for (name, json) in all() {
        let folder = tempfile::tempdir().unwrap();
        let run = run_in(folder.path());
        run.write_json(FILE, &json!({"unit": {"unit": "subwords"}})).unwrap();
        let refused = refused(&run, TOKENIZER, &json, 1000);
        assert!((200..1000).contains(&refused), "{name}: {refused}");
    }
}
