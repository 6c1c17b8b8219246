//! Arrays of a model as bytes: little-endian, in pieces, so that no size is believed before its bytes have come.

use std::io::{Read, Write};

use crc32fast::Hasher;
use tsne_core::{Scalar, Typed};

use super::error::ModelError;

/// Bytes encoded or decoded at a time; a multiple of every element's size.
const PIECE: usize = 1 << 16;

/// An element of an array.
pub(super) trait Raw: Copy + Default {
    const SIZE: usize;
    fn get(bytes: &[u8]) -> Self;
    fn put(self, to: &mut Vec<u8>);
}

macro_rules! raw {
    ($($t:ty),*) => {$(
        impl Raw for $t {
            const SIZE: usize = size_of::<$t>();

            fn get(bytes: &[u8]) -> Self {
                Self::from_le_bytes(bytes.try_into().expect("the caller passes SIZE bytes"))
            }

            fn put(self, to: &mut Vec<u8>) {
                to.extend_from_slice(&self.to_le_bytes());
            }
        }
    )*};
}
raw!(u8, u32, u64, f32, f64);

/// Writes arrays one after another, and their checksum.
pub(super) struct Sink<W> {
    writer: W,
    hasher: Hasher,
    piece: Vec<u8>,
}

impl<W: Write> Sink<W> {
    pub(super) fn new(writer: W) -> Self {
        Self { writer, hasher: Hasher::new(), piece: Vec::with_capacity(PIECE) }
    }

    pub(super) fn put<E: Raw>(&mut self, values: impl IntoIterator<Item = E>) -> Result<(), ModelError> {
        for value in values {
            value.put(&mut self.piece);
            if self.piece.len() >= PIECE {
                self.flush()?;
            }
        }
        self.flush()
    }

    pub(super) fn put_scalars<T: Scalar>(&mut self, values: &[T]) -> Result<(), ModelError> {
        match T::typed(values) {
            Typed::F32(values) => self.put(values.iter().copied()),
            Typed::F64(values) => self.put(values.iter().copied()),
        }
    }

    fn flush(&mut self) -> Result<(), ModelError> {
        self.hasher.update(&self.piece);
        self.writer.write_all(&self.piece).map_err(ModelError::Io)?;
        self.piece.clear();
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<(), ModelError> {
        self.writer.write_all(&self.hasher.finalize().to_le_bytes()).map_err(ModelError::Io)?;
        self.writer.flush().map_err(ModelError::Io)
    }
}

/// Reads arrays one after another, and their checksum.
pub(super) struct Source<R> {
    reader: R,
    hasher: Hasher,
    piece: Vec<u8>,
}

impl<R: Read> Source<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, hasher: Hasher::new(), piece: vec![0; PIECE] }
    }

    /// The next `len` elements; memory grows with the bytes that come.
    pub(super) fn get<E: Raw>(&mut self, len: usize) -> Result<Vec<E>, ModelError> {
        let mut values = Vec::new();
        while values.len() < len {
            let n_bytes = (len - values.len()).min(PIECE / E::SIZE) * E::SIZE;
            let piece = &mut self.piece[..n_bytes];
            self.reader.read_exact(piece).map_err(|e| ModelError::reading(e, "arrays"))?;
            self.hasher.update(piece);
            values.extend(piece.chunks_exact(E::SIZE).map(E::get));
        }
        Ok(values)
    }

    /// The next `len` numbers.
    pub(super) fn get_scalars<T: Scalar>(&mut self, len: usize) -> Result<Vec<T>, ModelError> {
        Ok(match T::typed(&[]) {
            Typed::F32(_) => retyped(&self.get::<f32>(len)?, &[]),
            Typed::F64(_) => retyped(&[], &self.get::<f64>(len)?),
        })
    }

    /// Checks that the checksum comes next, and nothing after it.
    pub(super) fn finish(mut self) -> Result<(), ModelError> {
        let mut stored = [0; 4];
        self.reader.read_exact(&mut stored).map_err(|e| ModelError::reading(e, "checksum"))?;
        if u32::from_le_bytes(stored) != self.hasher.finalize() {
            return Err(ModelError::Checksum { what: "arrays" });
        }
        match self.reader.read(&mut self.piece[..1]) {
            Ok(0) => Ok(()),
            Ok(_) => Err(ModelError::contents("bytes follow its end")),
            Err(error) => Err(ModelError::Io(error)),
        }
    }
}

/// The one of the two slices that is of type `T`, as a vector.
fn retyped<T: Scalar>(single: &[f32], double: &[f64]) -> Vec<T> {
    let mut values = vec![T::default(); single.len() + double.len()];
    match T::typed_mut(&mut values) {
        Typed::F32(values) => values.copy_from_slice(single),
        Typed::F64(values) => values.copy_from_slice(double),
    }
    values
}
