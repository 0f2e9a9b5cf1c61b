//! `models`: the published weights.

use ognivo_core::cli::Ended;
use ognivo_core::cli::events::Output;
use ognivo_transfer::weights::published_models;
use serde_json::json;

pub(crate) fn run(output: &Output) -> anyhow::Result<Ended> {
    let models = published_models()?;
    output.answer(&format!("{:<16} {:>12} {:>6} {:>6}  file", "name", "parameters", "top-1", "top-5"));
    for model in &models {
        let parameters = model.network.summary(model.input(), model.classes)?.parameters();
        output.answer(&format!(
            "{:<16} {parameters:>12} {:>6.2} {:>6.2}  {}",
            model.name, model.top1, model.top5, model.url
        ));
        output.event(
            "model",
            json!({
                "name": model.name, "network": model.network, "parameters": parameters, "url": model.url, "sha256": model.sha256,
                "home": model.home, "licence": model.licence, "top1": model.top1, "top5": model.top5,
            }),
        );
    }
    output.line("\nAccuracies in percent on ImageNet's validation part, as published. Licences: see --json.");
    output.result("models", json!({ "models": models.len() }), None);
    Ok(Ended::Done)
}
