//! State dictionaries of PyTorch's `nn.RNN`, `nn.LSTM` and `nn.GRU`.
//!
//! The weights of a [`Stack`] with two biases have PyTorch's names, layouts and order of gates already: what
//! `weights::save` writes, PyTorch loads, and the reverse. What is left is to tell which stack a file holds.

use ognivo_core::weights::{NamedTensors, tensors_of};
use ognivo_kernels::Activation;

use super::config::{Biases, CellConfig, GruConfig, LstmConfig, RnnConfig};
use super::convert::convert;
use super::{Stack, StackConfig};
use crate::Result;

/// The stack whose weights are those of `tensors` whose names begin with `prefix` (`""`, or `"rnn."` for the field of a larger
/// module), the number of its inputs, and its tensors without the prefix: ready for `weights::load_into`.
///
/// Kind, sizes, directions and biases follow from names and shapes. `activation` is that of an `nn.RNN`, of which a file says
/// nothing.
///
/// # Errors
/// When the tensors are those of no `nn.RNN`, `nn.LSTM` or `nn.GRU`; when they are of an LSTM with projections (`weight_hr_l0`).
pub fn read_state(
    tensors: &NamedTensors,
    prefix: &str,
    activation: Activation,
) -> Result<(StackConfig, usize, NamedTensors)> {
    let wrong = |reason: String| ognivo_core::Error::Data(format!("no PyTorch RNN, LSTM or GRU: {reason}"));
    let own = tensors.iter().filter_map(|(name, data)| Some((name.strip_prefix(prefix)?.to_string(), data.clone())));
    let own: NamedTensors = own.filter(|(name, _)| name.contains("_l")).collect();
    let shape = |name: &str| {
        let data = own.get(name).ok_or_else(|| wrong(format!("tensor {prefix}{name} is missing")))?;
        let &[rows, columns] = data.shape().as_slice() else {
            return Err(wrong(format!("tensor {prefix}{name} has shape {}", data.shape())));
        };
        Ok((rows, columns))
    };
    if own.contains_key("weight_hr_l0") {
        return Err(wrong("an LSTM with projections (`proj_size`) is not supported".into()).into());
    }
    let (rows, hidden) = shape("weight_hh_l0")?;
    let (_, input) = shape("weight_ih_l0")?;
    let bias = if own.contains_key("bias_ih_l0") { Biases::Two } else { Biases::None };
    let gates = rows.checked_div(hidden).unwrap_or(0);
    let cell = match gates {
        1 => CellConfig::Rnn(RnnConfig { activation, bias }),
        3 => CellConfig::Gru(GruConfig { bias, ..GruConfig::pytorch() }),
        4 => CellConfig::Lstm(LstmConfig { bias, ..LstmConfig::pytorch() }),
        _ => return Err(wrong(format!("weight_hh_l0 has {rows} rows for {hidden} units")).into()),
    };
    let layers = (0..).take_while(|layer| own.contains_key(&format!("weight_hh_l{layer}"))).count();
    let bidirectional = own.contains_key("weight_hh_l0_reverse");
    let config = StackConfig { cell, hidden, layers, bidirectional, ..StackConfig::default() };
    config.validate()?;
    // Whatever else there is, such as a third direction, is refused when the tensors are loaded.
    Ok((config, input, own))
}

/// The state dictionary of the PyTorch module that computes what `stack` computes.
///
/// # Errors
/// There is none: the cell is not PyTorch's ([`CellConfig::pytorch`]), or the stack has normalisation or a learned state, which
/// `nn.LSTM` has not.
pub fn state_of(stack: &Stack, config: &StackConfig) -> Result<NamedTensors> {
    module_of(tensors_of(stack), config)
}

/// [`state_of`] for the tensors of a module that holds such a stack; those that are no cell's stay as they are.
///
/// # Errors
/// As [`state_of`].
pub fn module_of(tensors: NamedTensors, config: &StackConfig) -> Result<NamedTensors> {
    if config.layer_norm || config.learned_state {
        let reason = "PyTorch's recurrent modules have no layer normalisation and no learned state";
        return Err(ognivo_core::Error::Data(reason.into()).into());
    }
    convert(tensors, &config.cell, &config.cell.pytorch()?)
}
