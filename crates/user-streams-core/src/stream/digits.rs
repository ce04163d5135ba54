//! Decimal digits of every script, which Python's `int` takes and so Django's `Paginator`.

/// The zeros of the general category Nd, each followed by its script's other nine digits:
/// [Unicode 14](https://www.unicode.org/Public/14.0.0/ucd/extracted/DerivedNumericType.txt).
#[rustfmt::skip]
const ZEROS: &[u32] = &[
    0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66,
    0xde6, 0xe50, 0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90,
    0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0,
    0xff10, 0x104a0, 0x10d30, 0x11066, 0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0,
    0x11650, 0x116c0, 0x11730, 0x118e0, 0x11950, 0x11c50, 0x11d50, 0x11da0, 0x16a60, 0x16ac0,
    0x16b50, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e950, 0x1fbf0,
];

/// The value of a decimal digit.
pub(crate) fn digit(c: char) -> Option<u8> {
    let (code, zeros) = (u32::from(c), ZEROS);
    let zero = zeros[..zeros.partition_point(|&zero| zero <= code)].last()?;
    u8::try_from(code - zero).ok().filter(|&digit| digit < 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_other_scripts_have_their_values_and_neighbours_have_none() {
        for (c, value) in
            [('0', 0), ('9', 9), ('٣', 3), ('１', 1), ('९', 9), ('𝟘', 0), ('\u{1d7ff}', 9)]
        {
            assert_eq!(digit(c), Some(value), "{c}");
        }
        for c in ['/', ':', 'a', '²', '½', 'Ⅷ', '一', '\u{65f}', '\u{66a}', '\u{1d7cd}'] {
            assert_eq!(digit(c), None, "{c}");
        }
    }
}
