//! fastText's own command lines: flags with one dash.

use std::path::PathBuf;
use std::time::Duration;

use ognivo_core::Error;
use ognivo_core::cli::suggest;
use ognivo_embeddings::fasttext::{Autotune, Config, Metric, Quantization};

/// The flags of fastText's training and quantisation, which have one dash, as they stand.
#[derive(clap::Args, Debug)]
pub(crate) struct Flags {
    /// -input FILE -output PREFIX, and any of fastText's other flags: -lr -dim -ws -epoch -minCount -minCountLabel -neg -wordNgrams
    /// -loss -bucket -minn -maxn -thread -t -label -verbose -pretrainedVectors -saveOutput -seed -autotune-...; and -hogwild
    #[arg(value_name = "FLAGS", trailing_var_arg = true, allow_hyphen_values = true)]
    flags: Vec<String>,
}

/// What the flags say.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) config: Config,
    pub(crate) input: Option<PathBuf>,
    pub(crate) output: Option<PathBuf>,
    pub(crate) verbose: u32,
    pub(crate) quantize: Quantization,
    /// The search for settings, if there is a text to judge them by.
    pub(crate) autotune: Option<Autotune>,
}

/// The flags that [`Config`] does not have.
const OTHERS: [&str; 13] = [
    "input",
    "output",
    "verbose",
    "cutoff",
    "retrain",
    "qnorm",
    "qout",
    "dsub",
    "autotune-validation",
    "autotune-metric",
    "autotune-predictions",
    "autotune-duration",
    "autotune-modelsize",
];

/// Flags that stand alone.
const SWITCHES: [&str; 5] = ["saveOutput", "retrain", "qnorm", "qout", "hogwild"];

impl Flags {
    /// Reads the flags on top of a command's defaults, in the order in which they stand.
    ///
    /// # Errors
    /// An unknown flag, with the nearest; a flag without its value; a value that it cannot have.
    pub(crate) fn parse(&self, defaults: Config) -> anyhow::Result<Parsed> {
        parse(&self.flags, defaults)
    }
}

/// [`Flags::parse`] of flags that stand in a list.
pub(crate) fn parse(flags: &[String], defaults: Config) -> anyhow::Result<Parsed> {
    let mut parsed = Parsed {
        config: defaults,
        input: None,
        output: None,
        verbose: 2,
        quantize: Quantization::default(),
        autotune: None,
    };
    let mut search = Autotune {
        validation: PathBuf::new(),
        metric: Metric::F1(None),
        predictions: 1,
        duration: Duration::from_secs(300),
        trials: None,
        model_size: None,
        fixed: Vec::new(),
    };
    let mut flags = flags.iter();
    while let Some(flag) = flags.next() {
        let Some(name) = flag.strip_prefix('-') else {
            return Err(Error::Config(format!("found {flag:?}; expected a flag, such as -input")).into());
        };
        // Two dashes do too.
        let name = name.strip_prefix('-').unwrap_or(name);
        search.fixed.push(name.to_owned());
        if SWITCHES.contains(&name) {
            switch(&mut parsed, name)?;
            continue;
        }
        let known: Vec<&str> = Config::FLAGS.iter().chain(&OTHERS).copied().collect();
        if !known.contains(&name) {
            return Err(Error::Config(format!("-{name}: {}", suggest::unknown("flag", name, &known))).into());
        }
        let Some(value) = flags.next() else {
            return Err(Error::Config(format!("-{name}: found nothing after it; expected its value")).into());
        };
        let whole = || {
            value
                .parse::<usize>()
                .map_err(|_| Error::Config(format!("-{name}: found {value:?}; expected a whole number")))
        };
        match name {
            "input" => parsed.input = Some(value.into()),
            "output" => parsed.output = Some(value.into()),
            "verbose" => parsed.verbose = whole()? as u32,
            "cutoff" => parsed.quantize.cutoff = whole()?,
            "dsub" => parsed.quantize.dsub = whole()?,
            "autotune-validation" => search.validation = value.into(),
            "autotune-metric" => search.metric = value.parse()?,
            "autotune-predictions" => search.predictions = whole()?,
            "autotune-duration" => search.duration = Duration::from_secs(whole()? as u64),
            "autotune-modelsize" => search.model_size = (!value.is_empty()).then(|| size(value)).transpose()?,
            _ => parsed.config.set(name, value)?,
        }
    }
    parsed.autotune = (!search.validation.as_os_str().is_empty()).then_some(search);
    Ok(parsed)
}

/// Bytes, of which `k`, `M` and `G` are thousand, million and thousand million.
fn size(text: &str) -> Result<u64, Error> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" => Some(1),
        "k" => Some(1_000),
        "m" => Some(1_000_000),
        "g" => Some(1_000_000_000),
        _ => None,
    };
    let bytes = digits.parse::<u64>().ok().zip(unit).and_then(|(number, unit)| number.checked_mul(unit));
    bytes.ok_or_else(|| {
        Error::Config(format!("-autotune-modelsize: found {text:?}; expected a number of bytes such as 2M"))
    })
}

fn switch(parsed: &mut Parsed, name: &str) -> anyhow::Result<()> {
    match name {
        "retrain" => parsed.quantize.retrain = true,
        "qnorm" => parsed.quantize.qnorm = true,
        "qout" => parsed.quantize.qout = true,
        _ => parsed.config.set(name, "true")?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use ognivo_embeddings::fasttext::LossKind;

    use super::*;

    fn parsed(line: &str) -> anyhow::Result<Parsed> {
        let flags: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        parse(&flags, Config::supervised())
    }

    #[test]
    fn a_script_of_fasttext_is_understood() {
        let found = parsed(
            "-input train.txt -output model -lr 0.5 -epoch 25 -wordNgrams 2 -bucket 200000 -dim 50 -loss hs -minCount 2 -thread 4 -saveOutput \
             -label # -pretrainedVectors a.vec -verbose 0 -autotune-validation v.txt -autotune-duration 60 -seed 7",
        )
        .unwrap();
        let config = Config {
            lr: 0.5,
            epoch: 25,
            word_ngrams: 2,
            bucket: 200_000,
            dim: 50,
            loss: LossKind::HierarchicalSoftmax,
            min_count: 2,
            thread: 4,
            save_output: true,
            label: "#".into(),
            pretrained_vectors: Some("a.vec".into()),
            seed: 7,
            ..Config::supervised()
        };
        assert_eq!(found.config, config);
        assert_eq!((found.input, found.output, found.verbose), (Some("train.txt".into()), Some("model".into()), 0));
        let search = found.autotune.unwrap();
        assert_eq!((search.validation, search.duration.as_secs()), ("v.txt".into(), 60));
        assert!(search.fixed.contains(&"dim".into()) && !search.fixed.contains(&"ws".into()));
        assert_eq!(parsed("-input a").unwrap().autotune, None);
        let search =
            parsed("-autotune-validation v -autotune-modelsize 2M -autotune-metric f1:a").unwrap().autotune.unwrap();
        assert_eq!((search.model_size, search.metric), (Some(2_000_000), Metric::F1(Some("a".into()))));
        let quantize =
            parsed("-output model -input train.txt -qnorm -retrain -cutoff 100000 -dsub 4").unwrap().quantize;
        assert_eq!(quantize, Quantization { cutoff: 100_000, retrain: true, qnorm: true, qout: false, dsub: 4 });
    }

    #[test]
    fn wrong_flags_are_named() {
        for (line, hint) in [
            ("-inptu a", "did you mean \"input\""),
            ("-wordNgram 2", "did you mean \"wordNgrams\""),
            ("-lr", "expected its value"),
            ("-lr fast", "setting `lr`"),
            ("-cutoff x", "whole number"),
            ("train.txt", "expected a flag"),
            ("-loss soft", "setting `loss`"),
            ("-autotune-modelsize 2X", "such as 2M"),
            ("-autotune-metric f2", "autotune-metric"),
        ] {
            let said = parsed(line).unwrap_err().to_string();
            assert!(said.contains(hint), "{line}: {said}");
        }
    }
}
