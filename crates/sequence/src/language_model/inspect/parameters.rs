//! How many numbers each part of a network has learned, and how large they are.

use std::fmt;

use ognivo_core::weights::NamedTensors;

use super::aligned;

/// The tensors of a network by layer. Displays as a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    /// In the order of computation.
    pub layers: Vec<LayerParameters>,
}

/// The tensors of one layer.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerParameters {
    /// `encoder`, `layer 0`, `layer 1`, ..., `initial state`, `decoder`.
    pub name: String,
    /// By their names in the file.
    pub tensors: Vec<TensorParameters>,
}

/// One tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorParameters {
    /// PyTorch's name.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Root of the mean square of its values.
    pub size: f64,
}

impl Parameters {
    /// Of a language model's tensors.
    pub fn of(tensors: &NamedTensors) -> Self {
        let mut layers: Vec<((usize, usize), LayerParameters)> = Vec::new();
        for (name, data) in tensors {
            let (place, layer) = layer_of(name);
            let values = data.iter::<f64>();
            let size = (values.map(|value| value * value).sum::<f64>() / data.num_elements().max(1) as f64).sqrt();
            let tensor = TensorParameters { name: name.clone(), shape: data.shape().to_vec(), size };
            match layers.iter_mut().find(|(known, _)| *known == place) {
                Some((_, layer)) => layer.tensors.push(tensor),
                None => layers.push((place, LayerParameters { name: layer, tensors: vec![tensor] })),
            }
        }
        layers.sort_by_key(|(place, _)| *place);
        Self { layers: layers.into_iter().map(|(_, layer)| layer).collect() }
    }

    /// Of all layers.
    pub fn count(&self) -> usize {
        self.layers.iter().map(LayerParameters::count).sum()
    }
}

impl LayerParameters {
    /// Numbers in the layer.
    pub fn count(&self) -> usize {
        self.tensors.iter().map(TensorParameters::count).sum()
    }
}

impl TensorParameters {
    /// Numbers in the tensor.
    pub fn count(&self) -> usize {
        self.shape.iter().product()
    }
}

/// The layer of a tensor by its name, and its place in the order of computation.
fn layer_of(name: &str) -> ((usize, usize), String) {
    let number = |text: &str| {
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        text[..digits].parse::<usize>().ok()
    };
    let (part, rest) = name.split_once('.').unwrap_or((name, ""));
    let layer = match rest.strip_prefix("norms.") {
        Some(rest) => number(rest),
        None => rest.split_once("_l").and_then(|(_, rest)| number(rest)),
    };
    match (part, layer) {
        ("encoder", _) => ((0, 0), "encoder".into()),
        ("rnn", None) => ((1, 0), "initial state".into()),
        ("rnn", Some(layer)) => ((2, layer), format!("layer {layer}")),
        ("decoder", _) => ((3, 0), "decoder".into()),
        (other, _) => ((4, 0), other.into()),
    }
}

impl fmt::Display for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let shape = |shape: &[usize]| shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" x ");
        let mut rows = vec![["layer", "tensor", "shape", "parameters", "size"].map(String::from).to_vec()];
        for layer in &self.layers {
            for (index, tensor) in layer.tensors.iter().enumerate() {
                let first = if index == 0 { layer.name.clone() } else { String::new() };
                let size = format!("{:.4}", tensor.size);
                rows.push(vec![first, tensor.name.clone(), shape(&tensor.shape), tensor.count().to_string(), size]);
            }
        }
        rows.push(vec!["total".into(), String::new(), String::new(), self.count().to_string()]);
        f.write_str(&aligned(&rows, 2))
    }
}

#[cfg(test)]
mod tests {
    use burn::module::Module;
    use burn::tensor::{Device, TensorData};
    use ognivo_core::weights::tensors_of;

    use super::*;
    use crate::cell::StackConfig;
    use crate::language_model::model::NetworkConfig;

    #[test]
    fn every_tensor_has_its_layer() {
        let rnn = StackConfig { hidden: 6, layers: 2, layer_norm: true, learned_state: true, ..Default::default() };
        let config = NetworkConfig { embedding: 4, rnn, ..Default::default() };
        let model = config.init(9, &Device::flex()).unwrap();
        let parameters = Parameters::of(&tensors_of(&model));
        let names: Vec<_> = parameters.layers.iter().map(|layer| layer.name.as_str()).collect();
        assert_eq!(names, ["encoder", "initial state", "layer 0", "layer 1", "decoder"]);
        assert_eq!(parameters.count(), config.parameters(9));
        assert_eq!(parameters.count(), model.num_params());
        let counts: Vec<_> = parameters.layers.iter().map(LayerParameters::count).collect();
        // An LSTM with one bias for each gate: 4 (6 (4 + 6) + 6), and a normalisation of 2 x 6.
        assert_eq!(counts, [9 * 4, 2 * 2 * 6, 4 * (6 * 10 + 6) + 12, 4 * (6 * 12 + 6) + 12, 9 * 6 + 9]);
    }

    #[test]
    fn the_table_is_as_drawn() {
        let tensor = |values: &[f32], shape: &[usize]| TensorData::new(values.to_vec(), shape.to_vec());
        let tensors = NamedTensors::from([
            ("decoder.bias".into(), tensor(&[0.0, 0.0], &[2])),
            ("encoder.weight".into(), tensor(&[3.0, 4.0], &[2, 1])),
            ("rnn.weight_hh_l10".into(), tensor(&[1.0], &[1, 1])),
            ("rnn.weight_hh_l9".into(), tensor(&[-1.0], &[1, 1])),
        ]);
        let expected = "\
layer     tensor             shape  parameters    size
encoder   encoder.weight     2 x 1           2  3.5355
layer 9   rnn.weight_hh_l9   1 x 1           1  1.0000
layer 10  rnn.weight_hh_l10  1 x 1           1  1.0000
decoder   decoder.bias           2           2  0.0000
total                                        6
";
        assert_eq!(Parameters::of(&tensors).to_string(), expected);
    }
}
