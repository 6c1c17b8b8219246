//! What shells and manuals are told.

use crate::Directory;

#[test]
fn completions_and_manual_know_every_command() {
    let directory = Directory::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = directory.printed(&format!("completions {shell}"));
        for word in ["resume", "transform", "perplexity"] {
            assert!(script.contains(word), "{shell} completes {word}");
        }
    }
    let manual = directory.printed("man");
    assert!(manual.contains(".TH tsne 1") && manual.contains(".TH tsne-fit 1"), "a page for each command");
    assert!(manual.contains("checkpoint\\-every"), "and each flag");
}
