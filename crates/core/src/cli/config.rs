//! Configuration: defaults, then a file, then flags; an unknown key is an error that suggests the nearest one.
//!
//! A choice among variants is an object whose tag has the name of its own key: `"optimizer": {"optimizer": "sgd", "momentum": 0.9}`.
//! So `--set optimizer=sgd` chooses the variant with its defaults, and `--set optimizer.momentum=0.5` changes one setting of it.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::suggest::nearest;
use crate::{Error, Result};

/// Most keys in the path of a setting.
const DEPTH: usize = 32;

/// The configuration that results from `defaults` and the overlays, each beating the ones before.
///
/// # Errors
/// [`Error::Config`] for a key or value the configuration does not have; it names the key's path.
pub fn resolve<C: Serialize + DeserializeOwned>(defaults: &C, overlays: &[Value]) -> Result<C> {
    let defaults = serde_json::to_value(defaults).map_err(|e| Error::Config(e.to_string()))?;
    let value = overlays.iter().fold(defaults.clone(), merged);
    C::deserialize(&value).map_err(|error| {
        let place = culprit::<C>(value, &defaults).map_or(String::new(), |path| format!("{path}: "));
        Error::Config(format!("configuration: {place}{}", explain(&error.to_string())))
    })
}

/// The saved configuration of a run with what a resumed run may change: `fit.epochs`, and how often it saves.
///
/// # Errors
/// [`Error::Config`] when the overlay asks for anything else to differ.
pub fn resumed<C: Serialize + DeserializeOwned>(saved: &C, overlay: &Value) -> Result<C> {
    let value = |config: &C| serde_json::to_value(config).map_err(|e| Error::Config(e.to_string()));
    let mut asked = value(&resolve(saved, std::slice::from_ref(overlay))?)?;
    let config = C::deserialize(&asked).map_err(|e| Error::Config(e.to_string()))?;
    let mut kept = value(saved)?;
    for configuration in [&mut asked, &mut kept] {
        if let Some(fit) = configuration.get_mut("fit").and_then(Value::as_object_mut) {
            fit.retain(|key, _| key != "epochs" && key != "checkpoint_seconds");
        }
    }
    if asked != kept {
        let message = "a resumed run keeps its settings; only --epochs and fit.checkpoint_seconds may change. Start a new run for others";
        return Err(Error::Config(message.into()));
    }
    Ok(config)
}

/// Splits `key=value`; the value is JSON where it reads as such, else a string.
pub fn parse_setting(setting: &str) -> Result<(String, Value)> {
    let (path, value) = setting.split_once('=').ok_or_else(|| {
        Error::Config(format!("--set {setting}: expected key=value, for example --set optimizer.momentum=0.9"))
    })?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.into()));
    Ok((path.trim().to_string(), value))
}

/// Puts `value` at a dotted path of an overlay, on top of what earlier settings put there.
pub fn set(overlay: &mut Value, path: &str, value: Value) -> Result<()> {
    if path.split('.').any(str::is_empty) {
        return Err(Error::Config(format!("--set {path}: a key is empty")));
    }
    // What follows recurses into every level.
    if path.split('.').count() > DEPTH {
        return Err(Error::Config(format!("--set: a path has at most {DEPTH} keys")));
    }
    let nested = path.rsplit('.').fold(value, |value, key| Value::Object(Map::from_iter([(key.to_string(), value)])));
    merge(overlay, &nested, "");
    Ok(())
}

/// `base` with `overlay` on top of it.
pub fn merged(mut base: Value, overlay: &Value) -> Value {
    merge(&mut base, overlay, "");
    base
}

/// Merges `overlay` into `base`; `key` is the key under which both stand.
fn merge(base: &mut Value, overlay: &Value, key: &str) {
    match (base, overlay) {
        // Another variant: the settings of the old one do not apply to it.
        (Value::Object(base), Value::Object(overlay))
            if overlay.get(key).is_some_and(|tag| Some(tag) != base.get(key)) =>
        {
            base.clone_from(overlay);
        }
        (Value::Object(base), Value::Object(overlay)) => {
            for (key, value) in overlay {
                merge(base.entry(key.clone()).or_insert(Value::Null), value, key);
            }
        }
        // The name of a variant stands for the variant with its defaults.
        (Value::Object(base), Value::String(name)) if base.contains_key(key) => {
            if base.get(key).and_then(Value::as_str) != Some(name) {
                *base = Map::from_iter([(key.to_string(), name.clone().into())]);
            }
        }
        // An overlay may say both `optimizer=sgd` and `optimizer.momentum=0.9`.
        (base @ Value::String(_), Value::Object(overlay)) => {
            let mut object = Map::from_iter([(key.to_string(), base.clone())]);
            object.extend(overlay.clone());
            *base = Value::Object(object);
        }
        (base, overlay) => base.clone_from(overlay),
    }
}

/// The path of a setting that keeps `value` from being a configuration: with it and all before it as in `defaults`, it is one.
///
/// serde tells what is wrong, not where.
fn culprit<C: DeserializeOwned>(mut value: Value, defaults: &Value) -> Option<String> {
    let mut paths = Vec::new();
    differing(&value, Some(defaults), &mut Vec::new(), &mut paths);
    let path = paths.into_iter().take(1000).find(|path| {
        reset(&mut value, defaults, path);
        C::deserialize(&value).is_ok()
    });
    path.filter(|path| !path.is_empty()).map(|path| path.join("."))
}

/// The paths of the settings in which `value` differs from `defaults`.
fn differing(value: &Value, defaults: Option<&Value>, path: &mut Vec<String>, paths: &mut Vec<Vec<String>>) {
    match (value, defaults) {
        (value, Some(defaults)) if value == defaults => {}
        (Value::Object(members), Some(Value::Object(defaults))) => {
            for (key, value) in members {
                path.push(key.clone());
                differing(value, defaults.get(key), path, paths);
                path.pop();
            }
        }
        _ => paths.push(path.clone()),
    }
}

/// Makes the setting at `path` what it is in `defaults`, if it is there.
fn reset(value: &mut Value, defaults: &Value, path: &[String]) {
    match (path, value) {
        ([], value) => value.clone_from(defaults),
        ([key, rest @ ..], Value::Object(members)) => match (members.get_mut(key), defaults.get(key)) {
            (Some(member), Some(default)) => reset(member, default, rest),
            _ => _ = members.remove(key),
        },
        _ => {}
    }
}

/// serde's message; to one about an unknown name it adds the nearest known one.
fn explain(message: &str) -> String {
    if !message.starts_with("unknown ") {
        return message.into();
    }
    let mut names = message.split('`').skip(1).step_by(2);
    let unknown = names.next().unwrap_or_default();
    let known: Vec<_> = names.collect();
    let hint = nearest(unknown, &known).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    format!("{message}{hint}")
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Config {
        seed: u64,
        fit: Fit,
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Fit {
        epochs: u64,
        patience: Option<u64>,
        optimizer: Rule,
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "optimizer", rename_all = "kebab-case", deny_unknown_fields)]
    enum Rule {
        Sgd {
            #[serde(default)]
            momentum: f64,
        },
        Adam {
            #[serde(default)]
            epsilon: f64,
        },
    }

    fn defaults() -> Config {
        Config { seed: 1, fit: Fit { epochs: 5, patience: None, optimizer: Rule::Adam { epsilon: 1e-8 } } }
    }

    fn with(settings: &[&str]) -> Result<Config> {
        let mut overlay = Value::Object(Map::new());
        for setting in settings {
            let (path, value) = parse_setting(setting)?;
            set(&mut overlay, &path, value)?;
        }
        resolve(&defaults(), &[overlay])
    }

    #[test]
    fn settings_change_what_they_name_and_nothing_else() {
        assert_eq!(with(&[]).unwrap(), defaults());
        let config = with(&["fit.epochs=7", "fit.optimizer.epsilon=0.5", "fit.patience=3"]).unwrap();
        assert_eq!(
            config,
            Config { seed: 1, fit: Fit { epochs: 7, patience: Some(3), optimizer: Rule::Adam { epsilon: 0.5 } } }
        );
        assert_eq!(with(&["fit.patience=3", "fit.patience=null"]).unwrap(), defaults());
    }

    #[test]
    fn a_resumed_run_may_only_go_on_for_longer() {
        let overlay = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let longer = resumed(&defaults(), &overlay(r#"{"fit": {"epochs": 9}}"#)).unwrap();
        assert_eq!(longer, Config { fit: Fit { epochs: 9, ..defaults().fit }, ..defaults() });
        assert_eq!(resumed(&defaults(), &overlay("{}")).unwrap(), defaults());
        for other in [r#"{"seed": 2}"#, r#"{"fit": {"epochs": 9, "patience": 1}}"#, r#"{"fit": {"optimizer": "sgd"}}"#]
        {
            let error = resumed(&defaults(), &overlay(other)).unwrap_err().to_string();
            assert!(error.contains("keeps its settings"), "{error}");
        }
    }

    #[test]
    fn a_variant_is_chosen_by_name_and_then_set() {
        let sgd = |momentum| Rule::Sgd { momentum };
        assert_eq!(with(&["fit.optimizer=sgd"]).unwrap().fit.optimizer, sgd(0.0));
        assert_eq!(with(&["fit.optimizer=sgd", "fit.optimizer.momentum=0.9"]).unwrap().fit.optimizer, sgd(0.9));
        assert_eq!(with(&["fit.optimizer=adam"]).unwrap(), defaults(), "the variant that is there keeps its settings");
    }

    #[test]
    fn a_wrong_key_suggests_the_nearest() {
        let message = |setting| with(&[setting]).unwrap_err().to_string();
        assert!(message("fit.epoch=3").contains("did you mean `epochs`"), "{}", message("fit.epoch=3"));
        assert!(message("fit.optimizer=sdg").contains("did you mean `sgd`"), "{}", message("fit.optimizer=sdg"));
        assert!(
            message("fit.optimizer.momentun=3").contains("unknown field"),
            "{}",
            message("fit.optimizer.momentun=3")
        );
        assert!(message("fit.epochs=-1").starts_with("configuration: fit.epochs: invalid value"));
        assert!(message("fit.optimizer=3").starts_with("configuration: fit.optimizer: "));
        assert!(message("sed=3").starts_with("configuration: sed: unknown field"));
        let wrong =
            with(&["fit.optimizer=sgd", "fit.optimizer.momentum=high", "fit.epochs=2"]).unwrap_err().to_string();
        assert!(wrong.starts_with("configuration: fit.optimizer.momentum: invalid type"), "{wrong}");
        assert!(
            resolve(&defaults(), &[Value::Null]).unwrap_err().to_string().starts_with("configuration: invalid type")
        );
        assert!(message("fit.epochs").contains("key=value"));
        assert!(message("fit..epochs=1").contains("empty"));
        assert!(message(&format!("{}b=1", "a.".repeat(60_000))).contains("at most 32 keys"));
    }

    #[test]
    fn a_file_is_beaten_by_flags() {
        let file =
            serde_json::json!({"seed": 2, "fit": {"epochs": 9, "optimizer": {"optimizer": "sgd", "momentum": 0.1}}});
        let flags = serde_json::json!({"fit": {"epochs": 4}});
        let config = resolve(&defaults(), &[file, flags]).unwrap();
        assert_eq!(
            config,
            Config { seed: 2, fit: Fit { epochs: 4, patience: None, optimizer: Rule::Sgd { momentum: 0.1 } } }
        );
    }
}
