//! Saved maps; what is accepted is saved again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tsne::{SaveOptions, TsneEmbedding};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(map) = TsneEmbedding::<f32, 2>::load(bytes) {
        map.save(std::io::sink(), SaveOptions::default()).expect("what was loaded can be saved");
    }
    let _ = TsneEmbedding::<f64, 3>::load(bytes);
});
