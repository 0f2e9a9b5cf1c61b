//! The binary as a user runs it.

mod common;

use common::{Bench, SMALL, bench, small, stderr, survives_ctrl_c, survives_kills};

const LONG: &[&str] = &["--epochs", "60"];

#[test]
fn a_run_killed_ten_times_ends_with_the_same_bytes() {
    survives_kills(&bench(), &small(LONG));
}

#[test]
fn ctrl_c_saves_and_exits_130() {
    survives_ctrl_c(&bench(), &small(LONG));
}

#[test]
fn a_mixture_is_trained_measured_and_reported() {
    let bench = bench();
    let result = bench.result(&small(&["--epochs", "3", "--run", "r"]));
    let figures = &result["metrics"];
    assert_eq!(figures["modes_total"], 8);
    let share = figures["within_3_sigma"].as_f64().unwrap();
    assert!((0.0..=1.0).contains(&share) && figures["modes_covered"].as_u64().unwrap() <= 8);
    assert!(
        figures["settled_discriminator_error"].as_f64().unwrap() <= figures["discriminator_error"].as_f64().unwrap()
    );
    assert_eq!(figures["steps"], 300);
    let page = std::fs::read_to_string(bench.path("r/report.html")).unwrap();
    for part in ["Modes covered", "of 8", "D(G(z))", "The plane, after so many epochs", "p/(p+q)", "gan train"] {
        assert!(page.contains(part), "{part}");
    }
    assert!(bench.path("r/progress/epoch-00003.png").is_file() && !page.contains("https://"));
    // Going on for longer is the one thing that may change.
    let longer = bench.result(&["train", "--run", "r", "--resume", "--epochs", "4"]);
    assert_eq!(longer["metrics"]["steps"], 400);
    let said = bench.failure(&["train", "--run", "r", "--resume", "--learning-rate", "0.5"], 2);
    assert!(said.contains("keeps its settings"), "{said}");
    let said = bench.failure(&small(&["--run", "r"]), 2);
    assert!(said.contains("add --resume"), "{said}");
}

#[test]
fn a_line_shows_its_densities() {
    let bench = bench();
    bench.result(&small(&["--data", "line", "--set", "model.latent=1", "--epochs", "1", "--run", "r"]));
    let page = std::fs::read_to_string(bench.path("r/report.html")).unwrap();
    assert!(page.contains("change of variables") && page.contains("generator, q"));
    assert!(bench.path("r/progress/epoch-00001.json").is_file());
}

#[test]
fn an_objective_without_a_best_discriminator_claims_none() {
    let bench = bench();
    let result = bench.result(&small(&["--set", "fit.objective=hinge", "--epochs", "1", "--run", "r"]));
    assert!(result["metrics"]["discriminator_error"].is_null() && result["metrics"]["value"].is_null());
    let output = bench.run(&["train", "--run", "r", "--resume"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(!String::from_utf8_lossy(&output.stdout).contains("p/(p+q)"));
}

#[test]
fn wrong_usage_says_what_was_expected() {
    let bench = bench();
    for (arguments, part) in [
        (&["train", "--model", "mixtrue"][..], "did you mean \"mixture\""),
        (&["train", "--model", "mixture", "--data", "rign"], "did you mean \"ring\""),
        (&["train", "--set", "fit.objective=hing"], "did you mean `hinge`"),
        (&["train", "--set", "fit.objective=wasserstein-clipped", "--set", "fit.objective.clip=-1"], "found -1"),
        (&["train", "--set", "fit.discriminator_steps=0"], "`fit.discriminator_steps`: found 0"),
        (&["train", "--data", "ring", "--set", "model.hidden=0"], "`model.hidden`: found 0"),
        (&["train", "--model", "mixture", "--set", "model.deviation=-3"], "`model.deviation`: found -3"),
        (&["train", "--set", "fit.schedule.curve=plateau"], "needs no validation score"),
        (&["train", "--epochs", "0"], "`fit.epochs`: found 0"),
    ] {
        let said = bench.failure(arguments, 2);
        assert!(said.contains(part), "{arguments:?}: {said}");
        assert!(!bench.path("runs").exists(), "nothing is left behind");
    }
}

/// A run directory of another program, and checkpoints that are damaged, are refused by name.
#[test]
fn directories_and_files_of_others_are_refused() {
    let bench = bench();
    std::fs::create_dir(bench.path("other")).unwrap();
    std::fs::write(bench.path("other/config.json"), r#"{"network": {"network": "lenet5"}}"#).unwrap();
    let said = bench.failure(&["train", "--run", "other", "--resume"], 2);
    assert!(said.contains("config.json: not of a run of `gan train`") && said.contains("network"), "{said}");
    bench.result(&small(&["--epochs", "1", "--run", "r"]));
    let path = bench.path("r/checkpoint/last.safetensors");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let said = bench.failure(&["train", "--run", "r", "--resume"], 1);
    assert!(said.contains("last.safetensors") && said.contains("damaged"), "{said}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_cannot_be_written_is_an_error() {
    let bench: Bench = bench();
    let said = bench.failure(&[SMALL, &["--run", "/proc/ognivo"]].concat(), 1);
    assert!(said.contains("/proc/ognivo") && said.contains("cannot create"), "{said}");
}
