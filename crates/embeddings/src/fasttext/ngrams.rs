//! N-grams of characters and of words, and the buckets they fall into.

/// What is put before and after a word.
const BEGIN: u8 = b'<';
const END: u8 = b'>';
/// What the hash of a word n-gram is multiplied by for each further word.
const MULTIPLIER: u64 = 116_049_371;

/// FNV-1a of 32 bits, of bytes taken as signed: those from 128 up are spread to 32 bits with their sign, as the first
/// version of the reference program happened to do.
pub fn hash(bytes: &[u8]) -> u32 {
    bytes.iter().fold(2_166_136_261, |hash, &byte| (hash ^ byte as i8 as u32).wrapping_mul(16_777_619))
}

/// A word with the marks of its beginning and end.
pub(super) fn marked(word: &[u8], marked: &mut Vec<u8>) {
    marked.clear();
    marked.push(BEGIN);
    marked.extend_from_slice(word);
    marked.push(END);
}

/// Calls `found` with the hash and the bytes of each n-gram of `minn` to `maxn` characters of a [`marked`] word, in the
/// order of the reference program. Characters are those of UTF-8: a byte that continues one belongs to it, even in text
/// that is not UTF-8. The marks alone are no n-grams.
pub(super) fn of_characters<'a>(marked: &'a [u8], minn: usize, maxn: usize, mut found: impl FnMut(u32, &'a [u8])) {
    let continues = |at: usize| marked.get(at).is_some_and(|byte| byte & 0xc0 == 0x80);
    for start in (0..marked.len()).filter(|&start| !continues(start)) {
        let mut end = start;
        // The hash grows with the n-gram.
        let mut hash = 2_166_136_261u32;
        for n in 1..=maxn {
            if end == marked.len() {
                break;
            }
            let from = end;
            end += 1;
            while continues(end) {
                end += 1;
            }
            for &byte in &marked[from..end] {
                hash = (hash ^ byte as i8 as u32).wrapping_mul(16_777_619);
            }
            if n >= minn && !(n == 1 && (start == 0 || end == marked.len())) {
                found(hash, &marked[start..end]);
            }
        }
    }
}

/// Calls `found` with the hash of each n-gram of 2 to `longest` words, whose own hashes are given.
pub(super) fn of_words(hashes: &[u32], longest: usize, mut found: impl FnMut(u64)) {
    for start in 0..hashes.len() {
        // Signed 32-bit numbers in the reference.
        let mut hash = hashes[start] as i32 as u64;
        for &next in hashes[start + 1..].iter().take(longest.saturating_sub(1)) {
            hash = hash.wrapping_mul(MULTIPLIER).wrapping_add(next as i32 as u64);
            found(hash);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_fnv_with_signed_bytes() {
        // Published test vectors of FNV-1a for ASCII; the quirk shows from byte 128.
        assert_eq!(hash(b""), 0x811c_9dc5);
        assert_eq!(hash(b"a"), 0xe40c_292c);
        assert_eq!(hash(b"foobar"), 0xbf9c_f968);
        assert_eq!(hash(&[0x80]), (0x811c_9dc5u32 ^ 0xffff_ff80).wrapping_mul(0x0100_0193));
    }

    #[test]
    fn ngrams_of_a_word_in_order() {
        let of = |word: &str, minn, maxn| {
            let mut text = Vec::new();
            marked(word.as_bytes(), &mut text);
            let mut all = Vec::new();
            of_characters(&text, minn, maxn, |h, bytes| {
                assert_eq!(h, hash(bytes));
                all.push(String::from_utf8(bytes.to_vec()).unwrap());
            });
            all
        };
        assert_eq!(of("cat", 3, 4), ["<ca", "<cat", "cat", "cat>", "at>"]);
        assert_eq!(of("дом", 1, 2), ["<д", "д", "до", "о", "ом", "м", "м>"]);
        assert_eq!(of("a", 3, 6), ["<a>"]);
        assert!(of("cat", 0, 0).is_empty());
    }
}
