//! What a step does to one sequence, forward and backward, once the products are made: one pass over each row of memory.

use super::{Forget, LstmForm};
use crate::{
    recurrent::function::{sigmoid, tanh},
    simd::vectorised,
};

#[inline(always)]
fn quarters(row: &mut [f32], hidden: usize) -> [&mut [f32]; 4] {
    let (i, rest) = row.split_at_mut(hidden);
    let (f, rest) = rest.split_at_mut(hidden);
    let (g, o) = rest.split_at_mut(hidden);
    [i, f, g, &mut o[..hidden]]
}

vectorised! {
    /// Input gate, forget gate, block input and the new `cell`; `peephole` is empty or the three diagonals.
    pub(in crate::recurrent) fn write(row: &mut [f32], cell: &mut [f32], peephole: &[f32], form: LstmForm) {
        // Told apart here so that the usual cell has no branch in its loop.
        match (form == LstmForm::default(), peephole.is_empty()) {
            (true, true) => write_as(row, cell, None, LstmForm::default()),
            (true, false) => write_as(row, cell, Some(peephole), LstmForm::default()),
            _ => write_as(row, cell, Some(peephole).filter(|p| !p.is_empty()), form),
        }
    }

    /// Output gate and `hidden`, from the new `cell`.
    pub(in crate::recurrent) fn read(row: &mut [f32], cell: &[f32], hidden: &mut [f32], peephole: &[f32], form: LstmForm) {
        match (form == LstmForm::default(), peephole.is_empty()) {
            (true, true) => read_as(row, cell, hidden, None, LstmForm::default()),
            (true, false) => read_as(row, cell, hidden, Some(peephole), LstmForm::default()),
            _ => read_as(row, cell, hidden, Some(peephole).filter(|p| !p.is_empty()), form),
        }
    }

    /// The gradient to the output gate's sum, in its place, and what reaches the cell through the output.
    pub(in crate::recurrent) fn read_backward(
        row: &mut [f32],
        cell: &[f32],
        hidden_gradient: &[f32],
        cell_gradient: &mut [f32],
        peephole: &[f32],
        form: LstmForm,
    ) {
        let n = cell_gradient.len();
        let [_, _, _, o] = quarters(row, n);
        let (cell, dh, dc) = (&cell[..n], &hidden_gradient[..n], &mut cell_gradient[..n]);
        for j in 0..n {
            let squashed = if form.output_activation { tanh(cell[j]) } else { cell[j] };
            let slope = if form.output_activation { 1.0 - squashed * squashed } else { 1.0 };
            let gate = if form.output_gate { o[j] } else { 1.0 };
            dc[j] += dh[j] * gate * slope;
            o[j] = if form.output_gate { dh[j] * squashed * gate * (1.0 - gate) } else { 0.0 };
        }
        if !peephole.is_empty() {
            let diagonal = &peephole[2 * n..3 * n];
            for j in 0..n {
                dc[j] += o[j] * diagonal[j];
            }
        }
    }

    /// The gradients to the other gates' sums, in their places, and to the cell before the step, in place of that to the
    /// cell after it.
    pub(in crate::recurrent) fn write_backward(
        row: &mut [f32],
        previous: &[f32],
        cell_gradient: &mut [f32],
        peephole: &[f32],
        form: LstmForm,
    ) {
        let n = cell_gradient.len();
        let [i, f, g, _] = quarters(row, n);
        let (previous, dc) = (&previous[..n], &mut cell_gradient[..n]);
        for j in 0..n {
            let (input, forget, written, gradient) = (i[j], f[j], g[j], dc[j]);
            let own = if form.forget == Forget::Own { 1.0 } else { 0.0 };
            let replaced = if form.forget == Forget::Coupled { previous[j] } else { 0.0 };
            let input_slope = if form.input_gate { input * (1.0 - input) } else { 0.0 };
            let written_slope = if form.input_activation { 1.0 - written * written } else { 1.0 };
            i[j] = gradient * (written - replaced) * input_slope;
            f[j] = gradient * previous[j] * forget * (1.0 - forget) * own;
            g[j] = gradient * input * written_slope;
            dc[j] = gradient * forget;
        }
        if !peephole.is_empty() {
            let (of_input, of_forget) = (&peephole[..n], &peephole[n..2 * n]);
            for j in 0..n {
                dc[j] += i[j] * of_input[j] + f[j] * of_forget[j];
            }
        }
    }
}

#[inline(always)]
fn write_as(row: &mut [f32], cell: &mut [f32], peephole: Option<&[f32]>, form: LstmForm) {
    let n = cell.len();
    let [i, f, g, _] = quarters(row, n);
    if let Some(peephole) = peephole {
        let (of_input, of_forget) = (&peephole[..n], &peephole[n..2 * n]);
        for j in 0..n {
            i[j] += of_input[j] * cell[j];
            f[j] += of_forget[j] * cell[j];
        }
    }
    for j in 0..n {
        let input = if form.input_gate { sigmoid(i[j]) } else { 1.0 };
        let forget = match form.forget {
            Forget::Own => sigmoid(f[j]),
            Forget::None => 1.0,
            Forget::Coupled => 1.0 - input,
        };
        let written = if form.input_activation { tanh(g[j]) } else { g[j] };
        cell[j] = forget * cell[j] + input * written;
        (i[j], f[j], g[j]) = (input, forget, written);
    }
}

#[inline(always)]
fn read_as(row: &mut [f32], cell: &[f32], hidden: &mut [f32], peephole: Option<&[f32]>, form: LstmForm) {
    let n = cell.len();
    let [_, _, _, o] = quarters(row, n);
    let hidden = &mut hidden[..n];
    if let Some(peephole) = peephole {
        let diagonal = &peephole[2 * n..3 * n];
        for j in 0..n {
            o[j] += diagonal[j] * cell[j];
        }
    }
    for j in 0..n {
        let gate = if form.output_gate { sigmoid(o[j]) } else { 1.0 };
        let squashed = if form.output_activation { tanh(cell[j]) } else { cell[j] };
        hidden[j] = gate * squashed;
        o[j] = gate;
    }
}
