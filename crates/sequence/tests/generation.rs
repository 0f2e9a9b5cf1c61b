//! Writing text with a network whose answers are known.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::{self, ErrorKind, Write};

use ognivo_sequence::Result;
use ognivo_sequence::language_model::generate::{End, Generated, Next, Request, generate};
use ognivo_sequence::language_model::sample::{SampleConfig, Sampler};
use ognivo_sequence::language_model::vocabulary::{Unit, Vocabulary};

/// Counts how often this thread asks for memory.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    static ASKED: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call is passed on to the system's allocator unchanged; the counter is a plain cell.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A network that says given tokens, over and over, from the end of the prompt on; it keeps what it was fed.
struct Script {
    says: Vec<u32>,
    prompt: usize,
    fed: Vec<u32>,
    logits: Vec<f32>,
}

impl Script {
    fn new(vocabulary: &Vocabulary, prompt: usize, says: Vec<u32>) -> Self {
        Self { says, prompt, fed: Vec::with_capacity(100_000), logits: vec![0.0; vocabulary.len()] }
    }
}

impl Next for Script {
    fn feed(&mut self, token: u32) -> Result<&[f32]> {
        self.fed.push(token);
        self.logits.fill(0.0);
        if let Some(place) = self.fed.len().checked_sub(self.prompt) {
            self.logits[self.says[place % self.says.len()] as usize] = 1.0;
        }
        Ok(&self.logits)
    }
}

fn greedy() -> Sampler {
    Sampler::new(SampleConfig { temperature: 0.0, ..SampleConfig::default() }, 1).unwrap()
}

fn characters() -> Vocabulary {
    Vocabulary::build(&Unit::Characters, b"\n abcdefghijklmnopqrstuvwxyz").unwrap()
}

fn request(prompt: &[u8], length: usize) -> Request<'_> {
    Request { prompt, echo: false, length, stop: b"", interrupted: || false }
}

/// What is written of a network that says `says`, the outcome, and what the network was fed.
fn write(vocabulary: &Vocabulary, says: &[u8], request: &Request<'_>) -> (String, Generated, Vec<u32>) {
    let says = vocabulary.encode(says).unwrap();
    let prompt = vocabulary.encode(request.prompt).unwrap().len().max(1);
    let mut network = Script::new(vocabulary, prompt, says);
    let mut output = Vec::new();
    let generated = generate(vocabulary, &mut network, &mut greedy(), request, &mut output).unwrap();
    (String::from_utf8(output).expect("only UTF-8 is written"), generated, network.fed)
}

#[test]
fn a_prompt_is_read_and_continued() {
    let vocabulary = characters();
    let (text, generated, fed) = write(&vocabulary, b"def ", &request(b"abc", 6));
    assert_eq!(text, "def de");
    assert_eq!((generated.end, generated.prompt_tokens, generated.tokens), (End::Length, 3, 6));
    assert_eq!(vocabulary.decode(&fed), b"abcdef d", "the last token need not be read");
    let (text, ..) = write(&vocabulary, b"def ", &Request { echo: true, ..request(b"abc", 6) });
    assert_eq!(text, "abcdef de");
    let (text, generated, fed) = write(&vocabulary, b"def ", &request(b"abc", 0));
    assert_eq!((text.as_str(), generated.tokens, fed.len()), ("", 0, 3));
}

#[test]
fn no_prompt_begins_a_line() {
    let (text, generated, fed) = write(&characters(), b"xy", &request(b"", 3));
    assert_eq!((text.as_str(), generated.prompt_tokens), ("xyx", 1));
    assert_eq!(characters().decode(&fed), b"\nxy");
}

#[test]
fn an_unknown_character_of_the_prompt_is_named() {
    let vocabulary = characters();
    let mut network = Script::new(&vocabulary, 1, vec![0]);
    let asked = request("ab\nЖ".as_bytes(), 5);
    let error = generate(&vocabulary, &mut network, &mut greedy(), &asked, &mut Vec::new()).unwrap_err().to_string();
    assert!(error.starts_with("prompt: line 2, column 1: the character 'Ж' (U+0416)"), "{error}");
    assert!(network.fed.is_empty());
}

#[test]
fn a_stop_string_ends_the_text_before_it() {
    let vocabulary = characters();
    let stop = |stop| Request { stop, ..request(b"stop", 20) };
    let (text, generated, _) = write(&vocabulary, b"one stop two", &stop(b"stop"));
    assert_eq!((text.as_str(), generated.end, generated.tokens), ("one ", End::Stop, 8));
    let (text, generated, _) = write(&vocabulary, b"one sto", &stop(b"stop"));
    assert_eq!(
        (text.as_str(), generated.end),
        ("one stoone stoone st", End::Length),
        "what was held back comes at the end"
    );
    let (text, generated, _) = write(&vocabulary, b"abc", &stop(b"a"));
    assert_eq!((text.as_str(), generated.end, generated.tokens), ("", End::Stop, 1));
    let words = Vocabulary::build(&"words".parse().unwrap(), b"the cat sat\n").unwrap();
    let (text, generated, _) = write(&words, b"cat sat\nthe", &Request { stop: b"t\nth", ..request(b"the", 20) });
    assert_eq!((text.as_str(), generated.end), (" cat sa", End::Stop), "it may begin and end within tokens");
}

#[test]
fn words_have_a_space_between_them() {
    let words = Vocabulary::build(&"words".parse().unwrap(), b"the cat sat\n").unwrap();
    assert_eq!(write(&words, b"cat sat\nthe", &request(b"the", 5)).0, " cat sat\nthe cat");
    assert_eq!(write(&words, b"the cat", &request(b"sat\n", 2)).0, "the cat");
    assert_eq!(write(&words, b"the cat", &request(b"", 2)).0, "the cat");
    assert_eq!(write(&words, b"cat", &Request { echo: true, ..request(b"the bird", 1) }).0, "the bird cat");
}

/// What it was given before every flush.
struct Pieces(Vec<String>, Vec<u8>);

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.1.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.push(String::from_utf8(std::mem::take(&mut self.1)).expect("whole characters"));
        Ok(())
    }
}

#[test]
fn bytes_are_shown_as_whole_characters_as_they_come() {
    let vocabulary = Vocabulary::build(&Unit::Bytes, b"").unwrap();
    let says = ["aЖ".as_bytes(), b"\xff", "😀".as_bytes(), b"\xe6\x97"].concat();
    let mut network = Script::new(&vocabulary, 1, says.iter().map(|&byte| byte.into()).collect());
    let mut pieces = Pieces(vec![], vec![]);
    generate(&vocabulary, &mut network, &mut greedy(), &request(b"", says.len()), &mut pieces).unwrap();
    assert_eq!(pieces.0, ["a", "Ж", "\u{fffd}", "😀"], "the character cut off at the end is not shown");
    // The text goes on with a character that the prompt began.
    let (text, ..) = write(&vocabulary, b"\x96!", &Request { echo: true, ..request(b"a\xd0", 2) });
    assert_eq!(text, "aЖ!");
}

#[test]
fn subwords_never_break_a_character() {
    let learned = "日本語の文字列を生成する。".repeat(20);
    let vocabulary = Vocabulary::build(&"subwords:270".parse().unwrap(), learned.as_bytes()).unwrap();
    for length in 1..20 {
        let (text, ..) = write(&vocabulary, "語を生".as_bytes(), &request("日".as_bytes(), length));
        assert!("語を生".repeat(20).starts_with(&text), "{text}");
    }
}

thread_local! {
    static LEFT: Cell<usize> = const { Cell::new(0) };
}

fn after_some() -> bool {
    LEFT.set(LEFT.get().saturating_sub(1));
    LEFT.get() == 0
}

#[test]
fn an_interruption_ends_the_text() {
    let asked = Request { interrupted: after_some, ..request(b"abcd", 100) };
    LEFT.set(6);
    let (text, generated, _) = write(&characters(), b"xyz", &asked);
    assert_eq!((text.as_str(), generated.end, generated.tokens), ("xy", End::Interrupted, 2));
    LEFT.set(2);
    let (text, generated, fed) = write(&characters(), b"xyz", &asked);
    assert_eq!((text.as_str(), generated.end, fed.len()), ("", End::Interrupted, 2), "while reading the prompt");
}

/// A pipe that its reader closes after some bytes.
struct Pipe(usize);

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_broken_pipe_is_told() {
    let vocabulary = characters();
    let mut network = Script::new(&vocabulary, 1, vec![3]);
    let outcome = generate(&vocabulary, &mut network, &mut greedy(), &request(b"a", 100), &mut Pipe(7));
    match outcome.unwrap_err() {
        ognivo_sequence::Error::Core(ognivo_core::Error::Io { cause, .. }) => {
            assert_eq!(cause.kind(), ErrorKind::BrokenPipe);
        }
        other => panic!("{other}"),
    }
    assert_eq!(network.fed.len(), 8);
}

/// Asks at the second token and at the last how much memory has been asked for.
fn note() -> bool {
    ASKED.set(ALLOCATIONS.get());
    false
}

#[test]
fn a_token_costs_no_memory() {
    let config = SampleConfig { temperature: 0.8, top_k: Some(20), top_p: Some(0.9) };
    for name in ["characters", "bytes", "words", "subwords:300"] {
        let text = "one two three four five six seven\n".repeat(9);
        let vocabulary = Vocabulary::build(&name.parse().unwrap(), text.as_bytes()).unwrap();
        let says = vocabulary.encode(text.as_bytes()).unwrap();
        let counts = [10, 5000].map(|length| {
            let mut network = Script::new(&vocabulary, 3, says.clone());
            let mut sampler = Sampler::new(config, 1).unwrap();
            let asked = Request { stop: b"one six!", interrupted: note, ..request(b"one", length) };
            let before = ALLOCATIONS.get();
            let generated = generate(&vocabulary, &mut network, &mut sampler, &asked, &mut io::sink()).unwrap();
            assert_eq!(generated.tokens, length, "{name}");
            ASKED.get() - before
        });
        assert_eq!(counts[0], counts[1], "{name}");
    }
}
