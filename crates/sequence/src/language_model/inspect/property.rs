//! Properties of a text that a cell may follow: each is a number that is known after every character from what was read so far,
//! never from what comes.

/// A property, by its name and a sentence that defines it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Property {
    /// For tables.
    pub name: &'static str,
    /// What the number is.
    pub meaning: &'static str,
}

/// What [`Reader`] tells, in its order.
pub const PROPERTIES: [Property; 9] = [
    Property {
        name: "inside quotes",
        meaning: "1 from an opening double quotation mark to the character before the closing one, else 0; a blank line ends it",
    },
    Property { name: "position in the line", meaning: "characters since the line break" },
    Property { name: "indentation", meaning: "white space at the beginning of the line, in characters" },
    Property { name: "nesting", meaning: "round, square and curly brackets that are open" },
    Property {
        name: "first line of a paragraph",
        meaning: "1 after a blank line or the beginning, to the next line break, else 0",
    },
    Property { name: "position in the sentence", meaning: "characters since one of . ! ? … or a blank line" },
    Property { name: "between words", meaning: "1 at a character that is neither letter nor digit, else 0" },
    Property { name: "position in the word", meaning: "letters and digits since the last other character" },
    Property {
        name: "word in capitals",
        meaning: "1 while the word has two letters or more and all are capitals, else 0",
    },
];

/// Values of [`PROPERTIES`] after a character.
pub type Values = [f32; PROPERTIES.len()];

/// Reads a text and knows all properties of where it is.
#[derive(Clone, Debug)]
pub struct Reader {
    /// The mark that opened the quotation.
    quote: Option<char>,
    /// Characters of the line.
    column: usize,
    indentation: usize,
    /// Whether the line has only white space so far.
    blank: bool,
    nesting: usize,
    first_line: bool,
    sentence: usize,
    word: usize,
    capitals: usize,
}

impl Reader {
    /// At the beginning of a text.
    #[expect(clippy::new_without_default, reason = "a beginning is not a default")]
    pub fn new() -> Self {
        Self {
            quote: None,
            column: 0,
            indentation: 0,
            blank: true,
            nesting: 0,
            first_line: true,
            sentence: 0,
            word: 0,
            capitals: 0,
        }
    }

    /// Reads a character.
    pub fn read(&mut self, character: char) -> Values {
        match character {
            '\n' => self.line_break(),
            '\r' => {}
            _ => {
                self.column += 1;
                self.blank &= character.is_whitespace();
                self.indentation += usize::from(self.blank);
            }
        }
        match character {
            '"' | '“' | '”' | '„' | '«' | '»' => self.quotation_mark(character),
            '(' | '[' | '{' => self.nesting += 1,
            ')' | ']' | '}' => self.nesting = self.nesting.saturating_sub(1),
            _ => {}
        }
        self.sentence = if matches!(character, '.' | '!' | '?' | '…') { 0 } else { self.sentence + 1 };
        if character == '\n' && self.first_line && self.blank {
            self.sentence = 0;
        }
        if character.is_alphanumeric() {
            self.word += 1;
            self.capitals += usize::from(character.is_uppercase());
        } else {
            (self.word, self.capitals) = (0, 0);
        }
        self.values()
    }

    /// The values where it is.
    pub fn values(&self) -> Values {
        let truth = |truth: bool| if truth { 1.0 } else { 0.0 };
        [
            truth(self.quote.is_some()),
            self.column as f32,
            self.indentation as f32,
            self.nesting as f32,
            truth(self.first_line),
            self.sentence as f32,
            truth(self.word == 0),
            self.word as f32,
            truth(self.word > 1 && self.capitals == self.word),
        ]
    }

    fn line_break(&mut self) {
        self.first_line = self.blank;
        if self.blank {
            self.quote = None;
        }
        (self.column, self.indentation, self.blank) = (0, 0, true);
    }

    fn quotation_mark(&mut self, mark: char) {
        self.quote = match (self.quote, mark) {
            // „German and Russian“ end with the mark that “English” begins with.
            (Some('„'), '“') | (Some('"'), '"') | (_, '”' | '»') => None,
            (None, _) => Some(mark),
            (open, _) => open,
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The values of one property over a text.
    fn values(name: &str, text: &str) -> Vec<f32> {
        let index = PROPERTIES.iter().position(|property| property.name == name).unwrap();
        let mut reader = Reader::new();
        text.chars().map(|character| reader.read(character)[index]).collect()
    }

    /// The same as digits.
    fn digits(name: &str, text: &str) -> String {
        values(name, text).iter().map(|value| value.to_string()).collect()
    }

    #[test]
    fn values_by_hand() {
        for (name, text, expected) in [
            ("inside quotes", r#"a "b" c"#, "0011000"),
            ("inside quotes", "“a” „b“ «c» d", "1100110011000"),
            ("inside quotes", "\"a\nb\n\nc", "1111100"),
            ("position in the line", "ab\r\ncd", "122012"),
            ("indentation", "  a b\n c\nd", "1222201100"),
            ("nesting", "(a[b])c)", "11221000"),
            ("first line of a paragraph", "ab\nc\n \nd\ne", "1100001100"),
            ("position in the sentence", "Hi. A\n\nb", "12012301"),
            ("between words", "ab, c", "00110"),
            ("position in the word", "ab, c", "12001"),
            ("word in capitals", "AB Cd EF9", "010000010"),
        ] {
            assert_eq!(digits(name, text), expected, "{name} of {text:?}");
        }
    }

    proptest! {
        /// A property is a function of what was read: what comes later changes nothing.
        #[test]
        fn nothing_looks_ahead(before in "[a-zA-Z \n.\"()«»„“]{0,40}", after in "[a-z \n.\"()]{0,40}") {
            let mut alone = Reader::new();
            let mut followed = Reader::new();
            let first: Vec<_> = before.chars().map(|c| alone.read(c)).collect();
            let all: Vec<_> = before.chars().chain(after.chars()).map(|c| followed.read(c)).collect();
            prop_assert_eq!(&all[..first.len()], &first[..]);
        }
    }
}
