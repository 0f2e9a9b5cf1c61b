use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};
use proptest::prelude::*;

use super::*;
use crate::cell::StackConfig;
use crate::language_model::model::NetworkConfig;
use crate::language_model::vocabulary::Unit;

/// Verse with quotations: lines of 20 to 50 characters, every third one quoted.
fn verse() -> String {
    let line = |number: usize| {
        let words = "so we went on and on over hills of grey and the river".split(' ');
        let words: Vec<_> = words.cycle().skip(5 * number % 13).take(5 + number * 7 % 6).collect();
        let end = if number % 7 == 6 { "\n" } else { "" };
        if number % 3 == 1 { format!("\"{}\"\n{end}", words.join(" ")) } else { format!("{}.\n{end}", words.join(" ")) }
    };
    (0..60).map(line).collect()
}

/// A simple recurrent network of two units whose first one is on between quotation marks: `h = tanh(3 h + x)`, where `x` is 6 or -6
/// at marks... which a mark alone cannot tell, so opening and closing marks are made to differ.
fn quote_model(vocabulary: &Vocabulary) -> LanguageModel {
    let device = Device::flex();
    let cell = serde_json::from_value(serde_json::json!({ "cell": "rnn" })).unwrap();
    let rnn = StackConfig { cell, hidden: 2, ..Default::default() };
    let mut model = NetworkConfig { embedding: 2, rnn, ..Default::default() }.init(vocabulary.len(), &device).unwrap();
    let vectors = (0..vocabulary.len() as u32).flat_map(|token| match vocabulary.bytes_of(token) {
        b if b == "«".as_bytes() => [8.0, 0.0],
        b if b == "»".as_bytes() => [-8.0, 0.0],
        b if b == b"\n" => [0.0, 1.0],
        _ => [0.0, 0.0],
    });
    let tensor = |values: Vec<f32>, rows: usize| Tensor::<2>::from_data(TensorData::new(values, [rows, 2]), &device);
    model.encoder.weight = Param::from_tensor(tensor(vectors.collect(), vocabulary.len()));
    let crate::cell::Cell::Rnn(rnn) = &mut model.rnn.layers[0].forward else { unreachable!() };
    rnn.weights.weight_ih = Param::from_tensor(tensor(vec![1.0, 0.0, 0.0, 1.0], 2));
    rnn.weights.weight_hh = Param::from_tensor(tensor(vec![3.0, 0.0, 0.0, 0.0], 2));
    model
}

#[test]
fn a_cell_made_to_follow_quotations_is_found() {
    let mut open = false;
    let mark = |c| {
        if c != '"' {
            return c;
        }
        open = !open;
        if open { '«' } else { '»' }
    };
    let text: String = verse().chars().map(mark).collect();
    let vocabulary = Vocabulary::build(&Unit::Characters, text.as_bytes()).unwrap();
    let inspection = Inspection::new(&quote_model(&vocabulary), &vocabulary, text.as_bytes()).unwrap();
    let (property, relation) = &inspection.relations[0];
    let relation = relation.as_ref().unwrap();
    assert_eq!((property.name, relation.cells[0].0.to_string(), relation.p), ("inside quotes", "0:0".into(), 0.01));
    // Only the beginning, before any mark, differs: the activation is 0 there.
    assert!(relation.cells[0].1 > 0.97 && relation.chance < 0.5, "{relation:?}");
    let nesting = inspection.relations.iter().find(|(property, _)| property.name == "nesting").unwrap();
    assert_eq!(nesting.1, None);

    let html = inspection.page("T", "s", &["0:1".parse().unwrap()], 400).unwrap().to_html();
    assert!(html.contains("<h3>Cell 0:0: inside quotes</h3>") && html.contains("<h3>Cell 0:1</h3>"));
    assert!(html.contains("class=\"up8\">«") && html.contains("class=\"down8\">»"), "coloured from mark to mark");
    assert!(html.contains("hardly varies"));
    assert!(
        inspection.page("T", "s", &["1:0".parse().unwrap()], 400).unwrap_err().to_string().contains("cell: found 1:0")
    );
    let lines = inspection.relation_lines();
    assert!(lines.lines().nth(1).unwrap().starts_with("inside quotes") && lines.contains("0:0"), "{lines}");
}

#[test]
fn a_short_text_is_coloured_and_not_related() {
    let text = &verse()[..999];
    let vocabulary = Vocabulary::build(&Unit::Characters, text.as_bytes()).unwrap();
    let model = NetworkConfig::default().init(vocabulary.len(), &Device::flex()).unwrap();
    let inspection = Inspection::new(&model, &vocabulary, text.as_bytes()).unwrap();
    assert!(inspection.relations.is_empty() && inspection.relation_lines().contains("999 tokens"));
    let html = inspection.page("T", "s", &["0:255".parse().unwrap()], 10).unwrap().to_html();
    assert!(html.contains("999 tokens were read") && html.contains("<h3>Cell 0:255</h3>"));
    assert!(Inspection::new(&model, &vocabulary, b"").unwrap_err().to_string().contains("no token"));
}

#[test]
fn the_telling_part_holds_what_varies() {
    let text = format!("{}\n(((((((((a)))))))))\n{}", "plain words here\n".repeat(60), "and more words\n".repeat(60));
    let vocabulary = Vocabulary::build(&Unit::Characters, text.as_bytes()).unwrap();
    let inspection = Inspection::new(&quote_model(&vocabulary), &vocabulary, text.as_bytes()).unwrap();
    let nesting = PROPERTIES.iter().position(|property| property.name == "nesting").unwrap();
    let part = inspection.telling_part(nesting, 100);
    let shown: String = inspection.characters[part.clone()].iter().map(|(c, _)| c).collect();
    assert!(shown.contains("(((a)))") && part.len() == 100, "{shown}");
    assert!(inspection.characters[part.start - 1].0 == '\n', "from the beginning of a line");
    assert_eq!(inspection.telling_part(nesting, 1 << 20), 0..inspection.characters());
}

/// Bytes are tokens here: a letter of two bytes has the colour of the second, and the first leaves the properties as they were.
#[test]
fn characters_of_several_tokens_belong_to_the_last() {
    let pieces = ["a".as_bytes(), &[0xd0], &[0xb6], &[0xff], b"bc", b""];
    let found = characters(pieces.into_iter());
    assert_eq!(found, [('a', 0), ('ж', 2), ('\u{fffd}', 3), ('b', 4), ('c', 4)]);
    let mut reader = Reader::new();
    let values: Vec<_> = found.iter().map(|&(character, _)| reader.read(character)).collect();
    let columns: Vec<f32> = after_tokens(&found, &values, 6).iter().map(|values| values[1]).collect();
    assert_eq!(columns, [1.0, 1.0, 2.0, 3.0, 5.0, 5.0]);
    assert_eq!(after_tokens(&[], &[], 2), [Reader::new().values(); 2]);
}

#[test]
fn a_beginning_is_cut_between_characters() {
    let text = "aж\u{1f600}b".as_bytes();
    let lengths: Vec<usize> = (0..6).map(|count| first_characters(text, count).len()).collect();
    assert_eq!(lengths, [0, 1, 3, 7, 8, 8]);
}

proptest! {
    /// Whatever the tokens, the characters are those of the text, and every token number is right.
    #[test]
    fn characters_are_those_of_the_bytes(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..4), 0..30)) {
        let found = characters(pieces.iter().map(Vec::as_slice));
        let text: String = found.iter().map(|(c, _)| c).collect();
        let bytes = pieces.concat();
        prop_assert_eq!(text, String::from_utf8_lossy(&bytes));
        prop_assert!(found.windows(2).all(|pair| pair[0].1 <= pair[1].1));
        prop_assert!(found.iter().all(|&(_, token)| !pieces[token].is_empty()));
    }
}
