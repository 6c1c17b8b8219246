//! What every file that claims to be a model must come to, whatever is in it; the fuzz target `model` judges by it too.

use tsne::{ModelInfo, Points, SaveOptions, Scalar, Transform, TsneEmbedding};

/// Judges a file, its checksums made to agree: it is refused with a code, or is a map that can be saved again and that
/// places a new point at a finite position. Whether it was accepted.
pub(crate) fn judge(bytes: &[u8]) -> bool {
    let mut file = bytes.to_vec();
    seal(&mut file);
    let info = match ModelInfo::read(&file[..]) {
        Ok(info) => info,
        Err(error) => {
            assert!(error.code().is_some(), "{error}");
            return false;
        }
    };
    match (info.scalar.as_str(), info.n_components) {
        ("f32", 1) => judge_as::<f32, 1>(&file),
        ("f32", 2) => judge_as::<f32, 2>(&file),
        ("f32", _) => judge_as::<f32, 3>(&file),
        (_, 1) => judge_as::<f64, 1>(&file),
        (_, 2) => judge_as::<f64, 2>(&file),
        _ => judge_as::<f64, 3>(&file),
    }
}

/// Makes both checksums those of the content, so that what stands behind them is reached.
fn seal(file: &mut [u8]) {
    let n_bytes = file.len();
    let Some(length) = file.get(16..24) else { return };
    let length = u64::from_le_bytes(length.try_into().expect("eight bytes"));
    let end = usize::try_from(length).ok().and_then(|length| length.checked_add(24));
    let Some(end) = end.filter(|&end| n_bytes.checked_sub(4).is_some_and(|arrays| end <= arrays)) else {
        return;
    };
    let head = crc32fast::hash(&[&file[..12], &file[16..end]].concat());
    file[12..16].copy_from_slice(&head.to_le_bytes());
    let arrays = crc32fast::hash(&file[end..n_bytes - 4]);
    file[n_bytes - 4..].copy_from_slice(&arrays.to_le_bytes());
}

fn judge_as<T: Scalar, const D: usize>(file: &[u8]) -> bool {
    let map = match TsneEmbedding::<T, D>::load(file) {
        Ok(map) => map,
        Err(error) => {
            assert!(error.code().is_some(), "{error}");
            return false;
        }
    };
    let mut again = Vec::new();
    map.save(&mut again, SaveOptions::default()).expect("what was loaded can be saved");
    TsneEmbedding::<T, D>::load(&again[..]).expect("what was saved can be loaded");
    if let Some(n_features) = map.report().plan.n_features.filter(|&n| n < 1000) {
        let zeros = vec![T::lit(0.0); n_features];
        let points = Points::from_row_major(&zeros, n_features).expect("a row");
        if let Ok(placed) = map.transform_with(points, &Transform::new().n_iter(2)) {
            assert!(placed.positions().as_flattened().iter().all(|y| y.is_finite()), "a finite position");
        }
    }
    true
}
