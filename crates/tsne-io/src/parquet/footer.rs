//! The footer of a Parquet file, walked through before it is decoded: it may promise no more than it holds.
//!
//! Footers are in thrift's compact protocol, <https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>.
//! The decoder takes memory for as many children as a group of the schema claims, and calls itself for groups within
//! groups; so both are looked at here.

use crate::Error;

/// Deepest nesting of what is read: a list of lists takes five levels.
const MAX_DEPTH: usize = 32;

/// Types of thrift's compact protocol, by their numbers.
const STOP: u8 = 0;
const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const I16: u8 = 4;
const I32: u8 = 5;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const MAP: u8 = 11;
const STRUCT: u8 = 12;
const UUID: u8 = 13;

/// Number of the field that holds the schema, in the struct that the footer is.
const SCHEMA: i64 = 2;
/// Number of the field that holds the number of children, in an element of the schema.
const N_CHILDREN: i64 = 5;

/// Refuses a footer whose lists are longer than itself, or whose schema is too deep or has more children than elements.
pub(super) fn check(footer: &[u8]) -> Result<(), Error> {
    let mut walk = Walk { rest: footer };
    let mut field = 0;
    while let Some(kind) = walk.field(&mut field)? {
        if field == SCHEMA && kind == LIST {
            walk.schema()?;
        } else {
            walk.skip(kind, 0)?;
        }
    }
    Ok(())
}

/// What is left of the footer.
struct Walk<'a> {
    rest: &'a [u8],
}

impl Walk<'_> {
    fn byte(&mut self) -> Result<u8, Error> {
        let (&first, rest) = self.rest.split_first().ok_or_else(cut)?;
        self.rest = rest;
        Ok(first)
    }

    fn advance(&mut self, n: u64) -> Result<(), Error> {
        let n = usize::try_from(n).map_err(|_| cut())?;
        self.rest = self.rest.get(n..).ok_or_else(cut)?;
        Ok(())
    }

    /// A number of seven bits a byte, the lowest first.
    fn varint(&mut self) -> Result<u64, Error> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Error::malformed("the Parquet footer holds a number of more than 64 bits"))
    }

    /// A number whose lowest bit is its sign.
    fn signed(&mut self) -> Result<i64, Error> {
        let number = self.varint()?;
        Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    /// The type of the next field of a struct, whose number follows that of the field before; none at the end.
    fn field(&mut self, number: &mut i64) -> Result<Option<u8>, Error> {
        let head = self.byte()?;
        if head == STOP {
            return Ok(None);
        }
        *number = match head >> 4 {
            0 => self.signed()?,
            step => number.wrapping_add(i64::from(step)),
        };
        Ok(Some(head & 0x0f))
    }

    /// Number and type of the elements of a list, each of which takes a byte at least.
    fn list(&mut self) -> Result<(usize, u8), Error> {
        let head = self.byte()?;
        let n = match head >> 4 {
            15 => self.varint()?,
            n => u64::from(n),
        };
        let n = usize::try_from(n).ok().filter(|&n| n <= self.rest.len());
        Ok((n.ok_or_else(promises)?, head & 0x0f))
    }

    /// The list of the schema's elements, each before its children.
    fn schema(&mut self) -> Result<(), Error> {
        let (n_elements, kind) = self.list()?;
        // Children that are still to come, of each group that is open.
        let mut open: Vec<usize> = Vec::new();
        for element in 0..n_elements {
            if kind != STRUCT {
                self.skip_element(kind, 0)?;
                continue;
            }
            let mut n_children = 0;
            let mut field = 0;
            while let Some(kind) = self.field(&mut field)? {
                if field == N_CHILDREN && kind == I32 {
                    n_children = self.signed()?;
                } else {
                    self.skip(kind, 0)?;
                }
            }
            let n_children = usize::try_from(n_children).ok().filter(|&n| n < n_elements - element);
            let n_children = n_children.ok_or_else(promises)?;
            while open.last() == Some(&0) {
                open.pop();
            }
            if let Some(left) = open.last_mut() {
                *left -= 1;
            }
            if n_children > 0 {
                open.push(n_children);
            }
            if open.len() > MAX_DEPTH {
                return Err(too_deep());
            }
        }
        Ok(())
    }

    /// Passes over a field of this type.
    fn skip(&mut self, kind: u8, depth: usize) -> Result<(), Error> {
        match kind {
            // The value of a field that is true or false is in its type.
            TRUE | FALSE => Ok(()),
            other => self.skip_element(other, depth),
        }
    }

    /// Passes over an element of a list.
    fn skip_element(&mut self, kind: u8, depth: usize) -> Result<(), Error> {
        if depth > MAX_DEPTH {
            return Err(too_deep());
        }
        match kind {
            TRUE | FALSE | BYTE => self.advance(1),
            I16 | I32 | I64 => self.varint().map(drop),
            DOUBLE => self.advance(8),
            UUID => self.advance(16),
            BINARY => {
                let n = self.varint()?;
                self.advance(n)
            }
            LIST | SET => {
                let (n, kind) = self.list()?;
                (0..n).try_for_each(|_| self.skip_element(kind, depth + 1))
            }
            MAP => {
                let n = self.varint()?;
                if n == 0 {
                    return Ok(());
                }
                let kinds = self.byte()?;
                for _ in 0..n {
                    self.skip_element(kinds >> 4, depth + 1)?;
                    self.skip_element(kinds & 0x0f, depth + 1)?;
                }
                Ok(())
            }
            STRUCT => {
                let mut field = 0;
                while let Some(kind) = self.field(&mut field)? {
                    self.skip(kind, depth + 1)?;
                }
                Ok(())
            }
            // A list without elements may leave their type out.
            other => {
                Err(Error::malformed(format!("the Parquet footer has a field of an unknown type, {other}")))
            }
        }
    }
}

fn cut() -> Error {
    Error::malformed("the Parquet footer ends within a field")
}

fn promises() -> Error {
    Error::malformed("the Parquet footer promises more elements than it holds")
}

fn too_deep() -> Error {
    Error::malformed(format!("the Parquet footer is nested more than {MAX_DEPTH} levels deep"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A footer with a schema of these elements, each with its number of children.
    fn footer(claimed: u8, children: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x15, 2, 0x19, claimed << 4 | STRUCT];
        for &n in children {
            // A name in field 4, the children in field 5, and the end of the element.
            bytes.extend([0x48, 1, b'x', 0x15, 2 * n, STOP]);
        }
        bytes.push(STOP);
        bytes
    }

    #[test]
    fn honest_footers_pass() {
        check(&footer(4, &[2, 1, 0, 0])).expect("a group of two, one of which is a group");
        check(&[STOP]).expect("no field at all");
        // A list of lists, a map of a text to a number, a double, and a number 30 fields on.
        let mixed =
            [0x19, 0x19, 0x15, 2, 0x1b, 1, 0x85, 1, b'a', 4, 0x17, 0, 0, 0, 0, 0, 0, 0, 0, 0x05, 60, 2, STOP];
        check(&mixed).expect("fields that are not the schema");
    }

    #[test]
    fn promises_are_refused() {
        for (what, bytes) in [
            ("more children than elements", footer(3, &[9, 0, 0])),
            ("more elements than bytes", footer(14, &[0])),
            ("a list of 2^63", vec![0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]),
            ("bytes of 2^63", vec![0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]),
            (
                "a number without an end",
                vec![0x15, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            ),
            ("an unknown type", vec![0x1e, 0]),
            ("the end of the file", vec![0x15]),
        ] {
            assert_eq!(check(&bytes).expect_err(what).code(), "E107", "{what}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let n = 100;
        let mut bytes = vec![0x19, 0xf0 | STRUCT, n];
        (1..n).for_each(|_| bytes.extend([0x55, 2, STOP]));
        bytes.extend([0x55, 0, STOP, STOP]);
        assert!(check(&bytes).is_ok(), "field 1 is not the schema");
        bytes[0] = 0x29;
        let e = check(&bytes).expect_err("a chain of groups");
        assert!(e.to_string().contains("nested more than 32 levels"), "{e}");
        let lists: Vec<u8> = [0x1c].into_iter().chain([0x1c; 1000]).collect();
        let e = check(&lists).expect_err("structs within structs");
        assert!(e.to_string().contains("nested more than 32 levels"), "{e}");
    }
}
