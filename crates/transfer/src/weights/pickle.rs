//! Python's pickle format, as far as PyTorch writes tensors with it; nothing is ever executed.
//!
//! A pickle is a program for a small stack machine (Python's `pickletools` documents it opcode by opcode), and its `GLOBAL` and `REDUCE` call
//! any function there is. Here those calls are recognised by name, a handful of them, and turned into plain values; every other name, and every
//! opcode that could do more, ends the reading with an error that says which it was.
//!
//! Values lie in lists of the [`Machine`] and refer to each other by number, so that neither depth nor cycles can exhaust the stack, and a
//! value that occurs often exists once. [`LIMIT`] bounds how many there are.

use std::collections::HashMap;

/// The most values, list elements and memo entries of one pickle. The state of ResNet-152 has about thirty thousand.
const LIMIT: usize = 1 << 21;

/// The longest name of a tensor or a storage.
pub(super) const NAME_LIMIT: usize = 1000;

/// A value of the machine; what has parts holds the number of their list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value {
    None,
    Bool(bool),
    Int(i64),
    /// An integer of more than 64 bits, of which only the magic number of a file is ever looked at.
    Long(usize),
    Float,
    Text(usize),
    Tuple(usize),
    List(usize),
    /// Pairs in the order of insertion.
    Dict(usize),
    /// A function or class that is known.
    Global(Global),
    Storage(usize),
    Tensor(usize),
}

/// The functions and classes that a file of tensors needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Global {
    OrderedDict,
    Size,
    RebuildTensor,
    RebuildTensorV2,
    RebuildParameter,
    Storage(Element),
}

/// Element types of storages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    F64,
    F32,
    F16,
    BF16,
    I64,
    I32,
    U8,
}

/// Numbers in a row in the file, which tensors are views of.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Storage {
    pub(super) key: String,
    pub(super) element: Element,
    pub(super) count: u64,
}

/// A view of a storage: entry `[i, j]` is number `offset + i * strides[0] + j * strides[1]`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TensorView {
    pub(super) storage: usize,
    pub(super) offset: u64,
    pub(super) shape: Vec<usize>,
    pub(super) strides: Vec<u64>,
}

/// What went wrong, and at which byte.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) byte: usize,
    pub(super) found: String,
    pub(super) expected: String,
}

/// The stack machine with all values made so far.
#[derive(Default)]
pub(super) struct Machine {
    pub(super) texts: Vec<String>,
    pub(super) longs: Vec<Vec<u8>>,
    /// Tuples and lists.
    pub(super) lists: Vec<Vec<Value>>,
    pub(super) dicts: Vec<Vec<(Value, Value)>>,
    pub(super) storages: Vec<Storage>,
    pub(super) tensors: Vec<TensorView>,
    stack: Vec<Value>,
    /// Where in the stack marks lie.
    marks: Vec<usize>,
    memo: HashMap<u32, Value>,
    /// Storages by their keys.
    keys: HashMap<String, usize>,
    made: usize,
}

type Step<T> = Result<T, (String, &'static str)>;

fn fail<T>(found: impl Into<String>, expected: &'static str) -> Step<T> {
    Err((found.into(), expected))
}

/// Runs one pickle at the start of `bytes`: what it leaves, and how many bytes it took.
pub(super) fn run(bytes: &[u8], machine: &mut Machine) -> Result<(Value, usize), Fault> {
    let mut input = Input { bytes, at: 0 };
    machine.stack.clear();
    machine.marks.clear();
    machine.memo.clear();
    loop {
        let start = input.at;
        let stepped = machine.step(&mut input);
        match stepped {
            Ok(None) => {}
            Ok(Some(value)) => return Ok((value, input.at)),
            Err((found, expected)) => return Err(Fault { byte: start, found, expected: expected.into() }),
        }
    }
}

struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    fn take(&mut self, count: usize) -> Step<&'a [u8]> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        match rest.get(..count) {
            Some(taken) => {
                self.at += count;
                Ok(taken)
            }
            None => fail("the end of the data", "a whole pickle"),
        }
    }

    fn byte(&mut self) -> Step<u8> {
        Ok(self.take(1)?.first().copied().unwrap_or_default())
    }

    fn number<const N: usize>(&mut self) -> Step<u64> {
        Ok(self.take(N)?.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    /// Bytes whose count stands before them in `N` bytes.
    fn counted<const N: usize>(&mut self) -> Step<&'a [u8]> {
        let count = self.number::<N>()?;
        self.take(usize::try_from(count).unwrap_or(usize::MAX))
    }

    fn line(&mut self) -> Step<&'a str> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        match rest.iter().position(|&byte| byte == b'\n') {
            Some(length) => {
                let line = self.take(length)?;
                self.take(1)?;
                text(line)
            }
            None => fail("the end of the data", "a line"),
        }
    }
}

fn text(bytes: &[u8]) -> Step<&str> {
    std::str::from_utf8(bytes).or_else(|_| fail("bytes that are not UTF-8", "text"))
}

/// A name for a message: no longer than a line, nothing that moves a terminal's cursor.
pub(super) fn shown(name: &str) -> String {
    name.chars().take(80).map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

impl Machine {
    /// One opcode; the result when it is `STOP`.
    fn step(&mut self, input: &mut Input) -> Step<Option<Value>> {
        match input.byte()? {
            0x80 => match input.byte()? {
                0..=5 => {}
                protocol => return fail(format!("pickle protocol {protocol}"), "protocol 0 to 5"),
            },
            0x95 => {
                input.take(8)?; // FRAME: how far to read ahead
            }
            b'.' => return Ok(Some(self.pop()?)),
            b'(' => self.mark()?,
            b'0' => {
                self.pop()?;
            }
            b'N' => self.push(Value::None)?,
            0x88 => self.push(Value::Bool(true))?,
            0x89 => self.push(Value::Bool(false))?,
            b'K' => self.integer::<1>(input)?,
            b'M' => self.integer::<2>(input)?,
            b'J' => {
                let number = input.number::<4>()? as u32;
                self.push(Value::Int(i64::from(number as i32)))?;
            }
            0x8a => self.long(input.counted::<1>()?)?,
            b'G' => {
                input.take(8)?;
                self.push(Value::Float)?;
            }
            b'X' => self.text(input.counted::<4>()?)?,
            0x8c => self.text(input.counted::<1>()?)?,
            b'U' => self.text(input.counted::<1>()?)?,
            b'T' => self.text(input.counted::<4>()?)?,
            b'}' => self.new_dict()?,
            b']' => self.new_list(Vec::new(), Value::List)?,
            b')' => self.new_list(Vec::new(), Value::Tuple)?,
            b't' => {
                let items = self.down_to_mark()?;
                self.new_list(items, Value::Tuple)?;
            }
            count @ 0x85..=0x87 => {
                let first =
                    self.stack.len().checked_sub(usize::from(count - 0x84)).filter(|&first| first >= self.floor());
                let Some(first) = first else { return fail("too few values for a tuple", "a well-formed pickle") };
                let items = self.stack.split_off(first);
                self.new_list(items, Value::Tuple)?;
            }
            b'l' => {
                let items = self.down_to_mark()?;
                self.new_list(items, Value::List)?;
            }
            b'd' => {
                let items = self.down_to_mark()?;
                self.new_dict()?;
                self.insert(items)?;
            }
            b'a' => {
                let item = self.pop()?;
                self.append(vec![item])?;
            }
            b'e' => {
                let items = self.down_to_mark()?;
                self.append(items)?;
            }
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.insert(vec![key, value])?;
            }
            b'u' => {
                let items = self.down_to_mark()?;
                self.insert(items)?;
            }
            b'q' => self.remember(input.number::<1>()? as u32)?,
            b'r' => self.remember(input.number::<4>()? as u32)?,
            0x94 => self.remember(self.memo.len() as u32)?,
            b'h' => self.recall(input.number::<1>()? as u32)?,
            b'j' => self.recall(input.number::<4>()? as u32)?,
            b'c' => {
                let (module, name) = (input.line()?, input.line()?);
                self.push(global(module, name)?)?;
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                match (module, name) {
                    (Value::Text(module), Value::Text(name)) => {
                        let found = global(&self.texts[module], &self.texts[name])?;
                        self.push(found)?;
                    }
                    _ => return fail("a function whose name is no text", "a function of tensors"),
                }
            }
            b'R' => self.call()?,
            b'Q' => self.persistent()?,
            b'b' => self.build()?,
            opcode => return fail(name_of(opcode), "the opcodes that tensors need"),
        }
        Ok(None)
    }

    /// The stack above the last mark is the part an opcode may touch.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or_default()
    }

    fn pop(&mut self) -> Step<Value> {
        if self.stack.len() <= self.floor() {
            return fail("too few values", "a well-formed pickle");
        }
        self.stack.pop().map_or_else(|| fail("an empty stack", "a well-formed pickle"), Ok)
    }

    fn push(&mut self, value: Value) -> Step<()> {
        self.count(1)?;
        self.stack.push(value);
        Ok(())
    }

    /// Counts new values before there is room made for them.
    fn count(&mut self, new: usize) -> Step<()> {
        self.made = self.made.saturating_add(new);
        if self.made > LIMIT { fail(format!("more than {LIMIT} values"), "the tensors of a network") } else { Ok(()) }
    }

    fn mark(&mut self) -> Step<()> {
        self.count(1)?;
        self.marks.push(self.stack.len());
        Ok(())
    }

    fn down_to_mark(&mut self) -> Step<Vec<Value>> {
        match self.marks.pop() {
            Some(mark) => Ok(self.stack.split_off(mark)),
            None => fail("no mark", "a well-formed pickle"),
        }
    }

    fn integer<const N: usize>(&mut self, input: &mut Input) -> Step<()> {
        let number = input.number::<N>()?;
        self.push(Value::Int(number as i64))
    }

    /// A little-endian integer in two's complement.
    fn long(&mut self, bytes: &[u8]) -> Step<()> {
        if bytes.len() > 8 {
            self.longs.push(bytes.to_vec());
            return self.push(Value::Long(self.longs.len() - 1));
        }
        let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
        let start = if negative { -1_i64 } else { 0 };
        self.push(Value::Int(bytes.iter().rev().fold(start, |number, &byte| number << 8 | i64::from(byte))))
    }

    fn text(&mut self, bytes: &[u8]) -> Step<()> {
        let text = text(bytes)?.to_string();
        self.texts.push(text);
        self.push(Value::Text(self.texts.len() - 1))
    }

    fn new_list(&mut self, items: Vec<Value>, kind: fn(usize) -> Value) -> Step<()> {
        self.count(items.len())?;
        self.lists.push(items);
        self.push(kind(self.lists.len() - 1))
    }

    fn new_dict(&mut self) -> Step<()> {
        self.dicts.push(Vec::new());
        self.push(Value::Dict(self.dicts.len() - 1))
    }

    fn append(&mut self, items: Vec<Value>) -> Step<()> {
        self.count(items.len())?;
        match self.top()? {
            Value::List(list) => self.lists[list].extend(items),
            _ => return fail("an append to what is no list", "a well-formed pickle"),
        }
        Ok(())
    }

    fn insert(&mut self, items: Vec<Value>) -> Step<()> {
        self.count(items.len())?;
        let Value::Dict(dict) = self.top()? else {
            return fail("an entry for what is no dictionary", "a well-formed pickle");
        };
        if !items.len().is_multiple_of(2) {
            return fail("a key without a value", "a well-formed pickle");
        }
        let pairs = items.chunks_exact(2).filter_map(|pair| Some((*pair.first()?, *pair.get(1)?)));
        self.dicts[dict].extend(pairs);
        Ok(())
    }

    fn top(&self) -> Step<Value> {
        match self.stack.get(self.floor()..).and_then(<[Value]>::last) {
            Some(value) => Ok(*value),
            None => fail("too few values", "a well-formed pickle"),
        }
    }

    fn remember(&mut self, place: u32) -> Step<()> {
        self.count(1)?;
        let value = self.top()?;
        self.memo.insert(place, value);
        Ok(())
    }

    fn recall(&mut self, place: u32) -> Step<()> {
        match self.memo.get(&place).copied() {
            Some(value) => self.push(value),
            None => fail(format!("memo {place}, which was never filled"), "a well-formed pickle"),
        }
    }

    /// `REDUCE`: a call, of which only those that make tensors and dictionaries are known.
    fn call(&mut self) -> Step<()> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let (Value::Global(function), Value::Tuple(arguments)) = (function, arguments) else {
            return fail("a call of what is no function", "a function of tensors");
        };
        const MOST: usize = 8;
        let arguments: Vec<_> = self.lists[arguments].iter().take(MOST).copied().collect();
        match (function, arguments.as_slice()) {
            (Global::OrderedDict, []) => self.new_dict(),
            (Global::OrderedDict, &[Value::List(pairs)]) => self.dict_of_pairs(pairs),
            (Global::Size, &[Value::Tuple(sizes)]) => self.push(Value::Tuple(sizes)),
            (Global::RebuildParameter, &[tensor @ Value::Tensor(_), ..]) => self.push(tensor),
            (
                Global::RebuildTensor | Global::RebuildTensorV2,
                &[Value::Storage(storage), offset, Value::Tuple(shape), Value::Tuple(strides), ..],
            ) => self.tensor(storage, offset, shape, strides),
            (function, _) => fail(format!("{function:?} with other arguments"), "the arguments that PyTorch writes"),
        }
    }

    /// How Python 2 wrote an ordered dictionary.
    fn dict_of_pairs(&mut self, list: usize) -> Step<()> {
        let mut items = Vec::new();
        for pair in self.lists[list].clone() {
            match pair {
                Value::List(pair) | Value::Tuple(pair) if self.lists[pair].len() == 2 => {
                    self.count(2)?;
                    items.extend_from_slice(&self.lists[pair]);
                }
                _ => return fail("a dictionary of what are no pairs", "keys with values"),
            }
        }
        self.new_dict()?;
        self.insert(items)
    }

    fn tensor(&mut self, storage: usize, offset: Value, shape: usize, strides: usize) -> Step<()> {
        const AXES: usize = 8;
        let (axes, steps) = (self.lists[shape].len(), self.lists[strides].len());
        if axes != steps || axes > AXES {
            return fail(format!("{axes} sizes and {steps} strides"), "as many, at most 8");
        }
        let sizes = |list: usize| -> Option<Vec<u64>> {
            let size = |value: &Value| match value {
                Value::Int(size) => u64::try_from(*size).ok(),
                _ => None,
            };
            self.lists[list].iter().map(size).collect()
        };
        let (Some(shape), Some(strides)) = (sizes(shape), sizes(strides)) else {
            return fail("a shape that is no list of numbers", "a shape");
        };
        let Value::Int(offset) = offset else { return fail("an offset that is no number", "an offset") };
        let held = &self.storages[storage];
        let count = shape.iter().try_fold(1_u64, |count, &size| count.checked_mul(size));
        let offset = u64::try_from(offset).unwrap_or(u64::MAX);
        let last = shape
            .iter()
            .zip(&strides)
            .try_fold(offset, |last, (&size, &stride)| last.checked_add(size.saturating_sub(1).checked_mul(stride)?));
        let fits = match (count, last) {
            (Some(0), _) => true,
            (Some(count), Some(last)) => count <= held.count && last < held.count,
            _ => false,
        };
        if !fits {
            let found = format!("shape {shape:?} with strides {strides:?} from {offset} of {} numbers", held.count);
            return fail(found, "a view that lies in its storage and repeats nothing");
        }
        let shape = shape.into_iter().map(|size| usize::try_from(size).unwrap_or(usize::MAX)).collect();
        self.tensors.push(TensorView { storage, offset, shape, strides });
        self.push(Value::Tensor(self.tensors.len() - 1))
    }

    /// `BINPERSID`: what lies outside the pickle, which is storages.
    fn persistent(&mut self) -> Step<()> {
        let Value::Tuple(id) = self.pop()? else { return fail("a persistent id that is no tuple", "a storage") };
        let (kind, element, key, count) = match *self.lists[id].as_slice() {
            [Value::Text(kind), Value::Global(Global::Storage(element)), Value::Text(key), _, Value::Int(count)] => {
                (kind, element, key, count)
            }
            // The old format has a view of the storage as well, which is never used.
            [
                Value::Text(kind),
                Value::Global(Global::Storage(element)),
                Value::Text(key),
                _,
                Value::Int(count),
                Value::None,
            ] => (kind, element, key, count),
            _ => return fail("a persistent id of another form", "a storage"),
        };
        if self.texts[kind] != "storage" {
            return fail(format!("a persistent {}", shown(&self.texts[kind])), "a storage");
        }
        let Ok(count) = u64::try_from(count) else { return fail("a negative length", "a storage") };
        let key = &self.texts[key];
        if key.len() > NAME_LIMIT {
            return fail(format!("a storage key of {} bytes", key.len()), "a short key");
        }
        if let Some(&known) = self.keys.get(key) {
            let storage = &self.storages[known];
            if (storage.element, storage.count) != (element, count) {
                return fail(format!("storage {} in two forms", shown(key)), "one storage a key");
            }
            return self.push(Value::Storage(known));
        }
        self.keys.insert(key.clone(), self.storages.len());
        self.storages.push(Storage { key: key.clone(), element, count });
        self.push(Value::Storage(self.storages.len() - 1))
    }

    /// `BUILD`: attributes for an object. A state dictionary gets its version numbers so, which nothing here needs.
    fn build(&mut self) -> Step<()> {
        self.pop()?;
        match self.top()? {
            Value::Dict(_) | Value::Tensor(_) => Ok(()),
            _ => fail("attributes for what is no dictionary", "a dictionary of tensors"),
        }
    }
}

/// The function or class `module.name`.
fn global(module: &str, name: &str) -> Step<Value> {
    let storage = |element| Ok(Value::Global(Global::Storage(element)));
    match (module, name) {
        ("collections", "OrderedDict") => Ok(Value::Global(Global::OrderedDict)),
        ("torch", "Size") => Ok(Value::Global(Global::Size)),
        ("torch._utils", "_rebuild_tensor") => Ok(Value::Global(Global::RebuildTensor)),
        ("torch._utils", "_rebuild_tensor_v2") => Ok(Value::Global(Global::RebuildTensorV2)),
        ("torch._utils", "_rebuild_parameter") => Ok(Value::Global(Global::RebuildParameter)),
        ("torch", "DoubleStorage") => storage(Element::F64),
        ("torch", "FloatStorage") => storage(Element::F32),
        ("torch", "HalfStorage") => storage(Element::F16),
        ("torch", "BFloat16Storage") => storage(Element::BF16),
        ("torch", "LongStorage") => storage(Element::I64),
        ("torch", "IntStorage") => storage(Element::I32),
        ("torch", "ByteStorage") => storage(Element::U8),
        _ => fail(
            format!("the function {}.{}, which is not called", shown(module), shown(name)),
            "tensors and dictionaries alone (a whole model, or code: ask for its state_dict, better as safetensors)",
        ),
    }
}

/// How pickletools calls an opcode that is refused.
fn name_of(opcode: u8) -> String {
    let name = match opcode {
        b'i' => "INST",
        b'o' => "OBJ",
        0x81 => "NEWOBJ",
        0x92 => "NEWOBJ_EX",
        0x82..=0x84 => "EXT",
        b'P' => "PERSID",
        b'B' | b'C' | 0x8e => "BINBYTES",
        0x96..=0x98 => "BYTEARRAY8 or a buffer",
        0x8f..=0x91 => "a set",
        b'I' | b'L' | b'F' | b'S' | b'V' | b'g' | b'p' => "an opcode of protocol 0",
        b'1' | b'2' => "POP_MARK or DUP",
        0x8b | 0x8d => "LONG4 or BINUNICODE8",
        _ => "an unknown opcode",
    };
    format!("{name} (0x{opcode:02x})")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(bytes: &[u8]) -> String {
        let fault = run(bytes, &mut Machine::default()).unwrap_err();
        format!("{}: {}", fault.byte, fault.found)
    }

    #[test]
    fn what_could_run_code_is_refused_by_name() {
        for (bytes, expected) in [
            (&b"cposix\nsystem\n(X\x02\x00\x00\x00lstR."[..], "0: the function posix.system, which is not called"),
            (b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93.", "18: the function builtins.eval, which is not called"),
            (b"(c__builtin__\neval\n", "1: the function __builtin__.eval, which is not called"),
            (b"ctorch._utils\n_rebuild_sparse_tensor\n.", "0: the function torch._utils._rebuild_sparse_tensor"),
            (b"(iposix\nsystem\n.", "1: INST (0x69)"),
            (b"(o.", "1: OBJ (0x6f)"),
            (b")\x81.", "1: NEWOBJ (0x81)"),
            (b")}\x92.", "2: NEWOBJ_EX (0x92)"),
            (b"\x82\x01.", "0: EXT (0x82)"),
            (b"P1\n.", "0: PERSID (0x50)"),
            (b"N2.", "1: POP_MARK or DUP (0x32)"),
            (b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7f", "0: BINBYTES (0x8e)"),
            (b"I1\n.", "0: an opcode of protocol 0 (0x49)"),
            (b"\xc3.", "0: an unknown opcode (0xc3)"),
            (b"\x80\x09.", "0: pickle protocol 9"),
            (b"cevil\x1b[2J\nname\n.", "0: the function evil\u{fffd}[2J.name"),
        ] {
            let said = refused(bytes);
            assert!(said.starts_with(expected), "{said}; expected {expected}");
        }
    }

    #[test]
    fn calls_with_foreign_arguments_are_refused() {
        for bytes in [
            &b"K\x01)R."[..],
            b"ccollections\nOrderedDict\nK\x01\x85R.",
            b"ccollections\nOrderedDict\n](K\x01K\x02e\x85R.",
            b"ctorch._utils\n_rebuild_tensor_v2\n)R.",
            b"ctorch._utils\n_rebuild_parameter\nK\x01\x85R.",
            b"ctorch\nFloatStorage\n)R.",
            b"X\x01\x00\x00\x00aQ.",
            b"(X\x01\x00\x00\x00mX\x01\x00\x00\x00mX\x01\x00\x00\x00mX\x01\x00\x00\x00mK\x01tQ.",
            b"ccollections\nOrderedDict\n}b.",
            b"}K\x01s.",
            b"]K\x01K\x02s.",
            b"K\x01(0.",
            b"((.",
        ] {
            refused(bytes);
        }
    }

    /// Every end of the data is an error, also inside a length that promises four gigabytes.
    #[test]
    fn data_that_ends_too_early_is_an_error() {
        for bytes in [
            &b""[..],
            b"\x80",
            b"X\xff\xff\xff\xffab",
            b"T\xff\xff\xff\x7f",
            b"cposix",
            b"J\x00\x00",
            b"\x8a\xffa",
            b"h",
            b"r\x01",
        ] {
            assert!(refused(bytes).contains("the end of the data"), "{bytes:?}");
        }
    }

    #[test]
    fn values_are_bounded_in_number_and_depth_costs_nothing() {
        // A tuple in a tuple, a million times: no recursion to run out of stack.
        let mut deep = b")".to_vec();
        deep.resize(500_000, 0x85);
        deep.push(b'.');
        let mut machine = Machine::default();
        assert!(matches!(run(&deep, &mut machine), Ok((Value::Tuple(_), _))));
        drop(machine);
        for opcode in [b'N', b'(', b']', b'}'] {
            let said = refused(&vec![opcode; LIMIT + 2]);
            assert!(said.contains("more than 2097152 values"), "{said}");
        }
        // One value under ever new numbers of the memo, and a list that is appended to itself ever again.
        let memo: Vec<u8> = (0..700_000_u32).flat_map(|i| [&b"r"[..], &i.to_le_bytes()].concat()).collect();
        assert!(run(&[b"N", memo.as_slice(), b"."].concat(), &mut Machine::default()).is_ok());
        let doubling = [&b"]q\x00"[..], &b"(h\x00h\x00h\x00h\x00h\x00h\x00h\x00h\x00e".repeat(400_000)].concat();
        assert!(refused(&doubling).contains("more than 2097152 values"));
    }

    /// A view that repeats its storage's numbers would be a bomb: a shape of any size for a few bytes.
    #[test]
    fn views_stay_in_their_storage() {
        let view = |offset: u8, shape: &[u8], strides: &[u8]| {
            let mut bytes =
                b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nFloatStorage\n".to_vec();
            bytes.extend_from_slice(b"X\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x06tQ");
            bytes.extend_from_slice(&[b'K', offset]);
            for list in [shape, strides] {
                bytes.push(b'(');
                list.iter().for_each(|&size| bytes.extend_from_slice(&[b'K', size]));
                bytes.push(b't');
            }
            bytes.extend_from_slice(b"\x89}tR.");
            let mut machine = Machine::default();
            run(&bytes, &mut machine).map(|_| machine.tensors).map_err(|fault| fault.found)
        };
        assert_eq!(view(0, &[2, 3], &[3, 1]).unwrap().len(), 1);
        assert!(view(1, &[5], &[1]).is_ok() && view(0, &[3, 2], &[1, 3]).is_ok() && view(6, &[0, 9], &[9, 9]).is_ok());
        for (offset, shape, strides) in [
            (1, &[2, 3][..], &[3, 1][..]),
            (0, &[7], &[1]),
            (0, &[7], &[0]),
            (0, &[255, 255, 255], &[0, 0, 0]),
            (0, &[2], &[6]),
            (0, &[2, 3], &[1]),
            (0, &[1; 9], &[1; 9]),
        ] {
            assert!(view(offset, shape, strides).is_err(), "{offset} {shape:?} {strides:?}");
        }
    }
}
