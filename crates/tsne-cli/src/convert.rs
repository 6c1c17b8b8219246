//! `tsne convert`: data as another kind of file, the same numbers.

use std::io::{self, Cursor};
use std::path::Path;

use tsne_io::{
    Cells, Compression, Dataset, Output, WriteSeek, shown, write_features, write_mtx, write_npz, write_table,
};

use crate::args::ConvertArgs;
use crate::exit::{Failure, print_bytes, shown_path};
use crate::input::{self, is_standard};

/// What data are written as, by the suffix.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Table(u8),
    MatrixMarket,
    Npy,
    Npz,
    #[cfg(feature = "parquet")]
    Parquet,
}

impl Kind {
    fn of(path: &Path) -> Result<(Self, Option<Compression>), Failure> {
        if is_standard(path) {
            return Ok((Self::Table(b','), None));
        }
        let suffix = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        if let Some((_, compression)) = Compression::SUFFIXES.iter().find(|(known, _)| *known == suffix)
            && let Ok((kind @ (Self::Table(_) | Self::MatrixMarket), None)) =
                Self::of(Path::new(path.file_stem().unwrap_or_default()))
        {
            return Ok((kind, Some(*compression)));
        }
        let kind = match suffix.as_str() {
            "csv" => Self::Table(b','),
            "tsv" => Self::Table(b'\t'),
            "mtx" => Self::MatrixMarket,
            "npy" => Self::Npy,
            "npz" => Self::Npz,
            #[cfg(feature = "parquet")]
            "parquet" => Self::Parquet,
            _ => {
                let what = format!("unknown kind of output: \"{}\"", shown(&suffix));
                let help = "end the name in .csv, .tsv or .mtx (also .gz or .zst), .npy, .npz or .parquet";
                return Err(Failure::new("E201", what, help).at(shown_path(path)));
            }
        };
        Ok((kind, None))
    }

    fn write(self, data: &Dataset, is_spreadsheet_safe: bool, file: &mut dyn WriteSeek) -> io::Result<()> {
        match self {
            Self::Table(delimiter) => write_table(file, data, delimiter, is_spreadsheet_safe),
            Self::MatrixMarket => write_mtx(file, &data.features),
            Self::Npy => write_features(file, data),
            Self::Npz => write_npz(file, data),
            #[cfg(feature = "parquet")]
            Self::Parquet => tsne_io::write_parquet(file, data),
        }
    }
}

/// Runs the command.
pub(crate) fn run(args: &ConvertArgs) -> Result<(), Failure> {
    let (kind, compression) = Kind::of(&args.output)?;
    let failed = |e| Failure::in_file(&args.output, &e);
    let output = match is_standard(&args.output) {
        true => None,
        false => Some(Output::check(&args.output, args.force).map_err(failed)?),
    };
    let data = input::read(&args.input, &args.reading, args.random_state)?;
    let place = || shown_path(&args.output);
    if matches!(data.features.cells(), Cells::Sparse(_)) && !matches!(kind, Kind::MatrixMarket | Kind::Npz) {
        let what = "the data are sparse, and this kind of file is not";
        return Err(Failure::new("E207", what, "end the name of the output in .npz or .mtx").at(place()));
    }
    if (data.labels.is_some() || data.ids.is_some()) && matches!(kind, Kind::MatrixMarket | Kind::Npy) {
        let what = "this kind of file holds neither labels nor ids";
        let help = "end the name of the output in .csv, .tsv, .npz or .parquet, or leave the columns out with --drop";
        return Err(Failure::new("E207", what, help).at(place()));
    }
    let is_safe = args.reading.spreadsheet_safe;
    let packed = |file: &mut dyn WriteSeek| match compression {
        None => kind.write(&data, is_safe, file),
        Some(compression) => {
            let mut bytes = Cursor::new(Vec::new());
            kind.write(&data, is_safe, &mut bytes)?;
            compression.write(bytes.get_ref(), file)
        }
    };
    match output {
        Some(output) => output.write(packed).map_err(failed),
        None => {
            let mut bytes = Cursor::new(Vec::new());
            packed(&mut bytes).expect("memory takes all");
            print_bytes(bytes.get_ref())
        }
    }
}
