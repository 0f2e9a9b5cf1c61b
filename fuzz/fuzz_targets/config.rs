//! Configuration: settings and a JSON file over the defaults.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ognivo_core::cli::config::{parse_setting, resolve, set};
use ognivo_core::train::fit::FitConfig;
use ognivo_core::train::optimizer::OptimizerConfig;
use ognivo_core::train::schedule::ScheduleConfig;
use serde_json::{Map, Value};

// A line that holds `=` and does not begin with `{` is a setting, all else is the file.
fuzz_target!(|text: &str| {
    let defaults = FitConfig {
        epochs: 1,
        batch_size: 1,
        learning_rate: 1e-3,
        optimizer: OptimizerConfig::default(),
        schedule: ScheduleConfig::default(),
        clip_norm: None,
        clip_value: None,
        patience: None,
        checkpoint_seconds: 60.0,
    };
    let mut overlay = Value::Object(Map::new());
    let (settings, file): (Vec<_>, Vec<_>) =
        text.lines().partition(|line| line.contains('=') && !line.starts_with('{'));
    for setting in settings {
        let _ = parse_setting(setting).and_then(|(path, value)| set(&mut overlay, &path, value));
    }
    let file: Value = serde_json::from_str(&file.join("\n")).unwrap_or_default();
    let file = if file.is_null() { vec![] } else { vec![file] };
    if let Ok(config) = resolve(&defaults, &[file, vec![overlay]].concat()) {
        let _ = config.validate();
        // What was resolved is written to the run directory and must come back.
        assert_eq!(resolve(&defaults, &[serde_json::to_value(&config).unwrap()]).unwrap(), config);
    }
});
