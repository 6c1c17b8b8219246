//! Leading eigenpairs of a positive semi-definite matrix that is known by its products with vectors. \[M64\]

pub(crate) mod panel;

use nalgebra::{DMatrix, SymmetricEigen};
use rand_distr::{Distribution, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;
use tsne_core::{Control, Interrupted, Seed};

use panel::{Row, Tile, WIDTH, ZEROS, gram, multiply_add};

/// A column that shrinks to this share of its length, squared, when what is known is taken out of it is rounding.
const DEPENDENT: f64 = 1e-24;
/// Smallest eigenvalue of the Gram matrix of columns of length 1 along which they are taken as independent.
const INDEPENDENT: f64 = 1e-14;
/// Most attempts to make a panel orthonormal: two for rounding, the rest for random directions.
const ROUNDS: usize = 6;
/// Vectors kept beyond those asked for when the basis is shortened: they carry what it has learnt of the next ones.
const SPARE: usize = 8;

/// A symmetric matrix without negative eigenvalues.
pub(crate) trait Operator: Sync {
    /// Number of rows.
    fn n(&self) -> usize;

    /// Overwrites `out` with the matrix times the columns of `x`; equal bits at any number of threads.
    fn apply(&self, x: &[Row], out: &mut [Row]);
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    /// Number of pairs.
    pub(crate) count: usize,
    /// Residual ‖Av − λv‖ at which a pair is taken as found, relative to the largest eigenvalue.
    pub(crate) tolerance: f64,
    /// Most products with a panel before the best so far is taken.
    pub(crate) max_products: usize,
}

/// Pairs found, the largest eigenvalue first.
#[derive(Clone, Debug)]
pub(crate) struct Leading {
    /// Eigenvalues, at most as many as asked for, fewer only for fewer rows.
    pub(crate) values: Vec<f64>,
    /// Residuals ‖Av − λv‖.
    pub(crate) residuals: Vec<f64>,
    /// Unit eigenvectors, as columns of panels.
    vectors: Vec<Vec<Row>>,
}

impl Leading {
    /// Eigenvector `k`.
    pub(crate) fn vector(&self, k: usize) -> impl Iterator<Item = f64> + '_ {
        self.vectors[k / WIDTH].iter().map(move |row| row[k % WIDTH])
    }
}

/// Eigenvalues of a small symmetric matrix, largest first, and its unit eigenvectors in the columns.
///
/// A matrix on which the iteration does not end, which no finite one is known to be, gives its diagonal.
pub(crate) fn dense(matrix: DMatrix<f64>) -> (Vec<f64>, DMatrix<f64>) {
    let m = matrix.nrows();
    let diagonal = matrix.diagonal();
    let (values, vectors) = match SymmetricEigen::try_new(matrix, f64::EPSILON, 100 * m + 1000) {
        Some(eigen) => (eigen.eigenvalues, eigen.eigenvectors),
        None => (diagonal, DMatrix::identity(m, m)),
    };
    let mut order: Vec<usize> = (0..m).collect();
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]).then(a.cmp(&b)));
    let sorted = order.iter().map(|&k| values[k]).collect();
    (sorted, vectors.select_columns(&order))
}

/// Sign of the entry of largest magnitude, the first of equals.
pub(crate) fn sign_of_largest(vector: &[f64]) -> f64 {
    let largest = vector.iter().fold(0.0_f64, |m, &x| if x.abs() > m.abs() { x } else { m });
    if largest < 0.0 { -1.0 } else { 1.0 }
}

/// Leading eigenpairs by a block Krylov method with full orthogonalization, shortened to the best vectors when the
/// basis is full (Stewart 2002; Zhou and Saad 2008).
///
/// A space of powers times sixteen vectors holds sixteen vectors of each eigenvalue. Where it closes, random directions
/// open it again, and what it holds is believed only after they were looked at, so that a spectrum of few values, each
/// many times over, is found as well.
///
/// Memory: 16 (4 c + 7) n numbers for c = (count + 8) / 16, rounded up.
pub(crate) fn leading(
    operator: &impl Operator,
    request: Request,
    seed: Seed,
    control: &Control<'_>,
) -> Result<Leading, Interrupted> {
    let n = operator.n();
    let count = request.count.min(n);
    let kept = (count + SPARE).div_ceil(WIDTH);
    let longest = 3 * kept + 5;
    let mut random = Random(Xoshiro256PlusPlus::seed_from_u64(seed.0));
    let mut basis: Vec<Vec<Row>> = Vec::new();
    // The matrix in the basis, one column of tiles for each panel.
    let mut projected: Vec<Vec<Tile>> = Vec::new();
    let mut fresh = random.panel(n);
    orthonormalize(&mut fresh, &[1.0; WIDTH], &basis, &mut random);
    // Whether the space closed with the panel before, which makes the one at hand random.
    let mut was_closed = false;
    let mut check_at = 1;
    for product in 1.. {
        control.tick(product.min(request.max_products) - 1, request.max_products)?;
        let mut image = vec![ZEROS; n];
        operator.apply(&fresh, &mut image);
        basis.push(fresh);
        let column = project_out(&mut image, &basis);
        let left = gram(&[&image], &image)[0];
        let lengths: Row = std::array::from_fn(|c| {
            column.as_flattened().iter().map(|row| row[c] * row[c]).sum::<f64>() + left[c][c]
        });
        let is_closed = (0..WIDTH).all(|c| left[c][c] <= DEPENDENT * lengths[c]);
        projected.push(column);

        let spans_all = basis.len() * WIDTH >= n;
        let is_full = basis.len() == longest;
        let is_last = product >= request.max_products || spans_all;
        if basis.len() >= check_at || is_full || is_last {
            let (values, coordinates) = dense(assemble(&projected));
            let residuals = residuals(&coordinates, &left, count.min(values.len()));
            let scale = values[0].max(f64::MIN_POSITIVE);
            let has_settled = basis.len() >= kept.max(2)
                && (was_closed || !is_closed)
                && residuals.len() == count
                && residuals.iter().all(|r| *r <= request.tolerance * scale);
            if has_settled || is_last {
                let vectors = combine(&basis, &coordinates, count.div_ceil(WIDTH));
                let values = values[..residuals.len()].to_vec();
                return Ok(Leading { values, residuals, vectors });
            }
            if is_full {
                basis = combine(&basis, &coordinates, kept);
                projected = diagonal(&values, kept);
            }
            check_at = basis.len() + basis.len().div_ceil(6);
        }
        was_closed = is_closed;
        orthonormalize(&mut image, &lengths, &basis, &mut random);
        fresh = image;
    }
    unreachable!("the loop ends at the last product")
}

/// Normal numbers.
struct Random(Xoshiro256PlusPlus);

impl Random {
    fn next(&mut self) -> f64 {
        StandardNormal.sample(&mut self.0)
    }

    fn panel(&mut self, n: usize) -> Vec<Row> {
        (0..n).map(|_| std::array::from_fn(|_| self.next())).collect()
    }
}

fn slices(panels: &[Vec<Row>]) -> Vec<&[Row]> {
    panels.iter().map(Vec::as_slice).collect()
}

/// Takes the basis out of `panel` and returns what it was: basisᵀ panel. What rounding leaves is small next to the
/// panel as it was; a panel that shrinks much needs it a second time.
fn project_out(panel: &mut [Row], basis: &[Vec<Row>]) -> Vec<Tile> {
    let basis = slices(basis);
    let part = gram(&basis, panel);
    let negative: Vec<Tile> = part.iter().map(|tile| tile.map(|row| row.map(|x| -x))).collect();
    multiply_add(&basis, &negative, panel);
    part
}

/// Makes the columns of `panel`, out of which `basis` was taken once, orthonormal and orthogonal to it. Those that
/// depend on the others or on the basis become random directions, or zeros where no direction is left. `lengths` are
/// the squared lengths of the columns before the basis was taken out.
fn orthonormalize(panel: &mut Vec<Row>, lengths: &Row, basis: &[Vec<Row>], random: &mut Random) {
    let room = panel.len().saturating_sub(basis.len() * WIDTH).min(WIDTH);
    let mut n_full = 0;
    for round in 0..ROUNDS {
        let mut before = *lengths;
        if round > 0 {
            let now = gram(&[panel], panel)[0];
            before = std::array::from_fn(|c| now[c][c]);
            project_out(panel, basis);
        }
        let now = gram(&[panel], panel)[0];
        let (factor, n_independent) = inverse_root(&now, &before);
        let mut turned = vec![ZEROS; panel.len()];
        multiply_add(&[panel], &[factor], &mut turned);
        *panel = turned;
        if n_independent < room {
            n_full = 0;
            for row in panel.iter_mut() {
                row[n_independent..].fill_with(|| random.next());
            }
            continue;
        }
        // The first full set is orthonormal up to rounding that its scaling has magnified; the second is.
        n_full += 1;
        if n_full == 2 {
            break;
        }
    }
}

/// The matrix F of independent directions, the others zero and last, with (W F)ᵀ (W F) = 1 for WᵀW = `gram`, and how
/// many there are; `before` has the squared lengths next to which a column may be rounding (Stathopoulos and Wu 2002).
fn inverse_root(gram: &Tile, before: &Row) -> (Tile, usize) {
    let scale: [f64; WIDTH] = std::array::from_fn(|c| {
        let is_rounding = gram[c][c] <= DEPENDENT * before[c];
        if is_rounding { 0.0 } else { 1.0 / gram[c][c].sqrt() }
    });
    let scaled = DMatrix::from_fn(WIDTH, WIDTH, |i, j| gram[i][j] * scale[i] * scale[j]);
    let (values, vectors) = dense(scaled);
    let n_independent = values.iter().take_while(|&&value| value > INDEPENDENT).count();
    let mut factor = [ZEROS; WIDTH];
    for c in 0..n_independent {
        for m in 0..WIDTH {
            factor[m][c] = scale[m] * vectors[(m, c)] / values[c].sqrt();
        }
    }
    (factor, n_independent)
}

/// The projected matrix from its columns of tiles, of which the last computed holds every coupling.
fn assemble(projected: &[Vec<Tile>]) -> DMatrix<f64> {
    let m = projected.len() * WIDTH;
    DMatrix::from_fn(m, m, |i, j| {
        let (row, column) = (i.min(j), i.max(j));
        let entry = |i: usize, j: usize| projected[j / WIDTH][i / WIDTH][i % WIDTH][j % WIDTH];
        if row / WIDTH == column / WIDTH {
            0.5 * (entry(row, column) + entry(column, row))
        } else {
            entry(row, column)
        }
    })
}

/// Residuals of the first `count` Ritz vectors: what is left of the image of the last panel, `left` its Gram matrix,
/// is all that a vector of the basis is moved out of it.
fn residuals(coordinates: &DMatrix<f64>, left: &Tile, count: usize) -> Vec<f64> {
    let last = coordinates.nrows() - WIDTH;
    (0..count)
        .map(|k| {
            let s = |m: usize| coordinates[(last + m, k)];
            let square: f64 =
                (0..WIDTH).map(|m| (0..WIDTH).map(|c| s(m) * left[m][c] * s(c)).sum::<f64>()).sum();
            square.max(0.0).sqrt()
        })
        .collect()
}

/// The first columns of basis times coordinates, as `n_panels` panels.
fn combine(basis: &[Vec<Row>], coordinates: &DMatrix<f64>, n_panels: usize) -> Vec<Vec<Row>> {
    let basis = slices(basis);
    (0..n_panels)
        .map(|p| {
            let tile = |b: usize| {
                std::array::from_fn(|m| std::array::from_fn(|c| coordinates[(b * WIDTH + m, p * WIDTH + c)]))
            };
            let tiles: Vec<Tile> = (0..basis.len()).map(tile).collect();
            let mut out = vec![ZEROS; basis[0].len()];
            multiply_add(&basis, &tiles, &mut out);
            out
        })
        .collect()
}

/// The projected matrix of a basis of Ritz vectors.
fn diagonal(values: &[f64], n_panels: usize) -> Vec<Vec<Tile>> {
    let tile = |p: usize, b: usize| {
        let mut tile = [ZEROS; WIDTH];
        if b == p {
            for c in 0..WIDTH {
                tile[c][c] = values[p * WIDTH + c];
            }
        }
        tile
    };
    (0..n_panels).map(|p| (0..=p).map(|b| tile(p, b)).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A diagonal matrix.
    struct Diagonal(Vec<f64>);

    impl Operator for Diagonal {
        fn n(&self) -> usize {
            self.0.len()
        }

        fn apply(&self, x: &[Row], out: &mut [Row]) {
            for ((out, x), value) in out.iter_mut().zip(x).zip(&self.0) {
                *out = x.map(|x| x * value);
            }
        }
    }

    fn check(name: &str, values: Vec<f64>, count: usize) {
        let diagonal = Diagonal(values);
        let request = Request { count, tolerance: 1e-8, max_products: 500 };
        let found = leading(&diagonal, request, Seed(1), &Control::NONE).expect("nobody interrupts");
        let mut sorted = diagonal.0.clone();
        sorted.sort_by(|a, b| b.total_cmp(a));
        assert_eq!(found.values.len(), count.min(sorted.len()), "{name}: as many as asked for");
        for (k, (value, residual)) in found.values.iter().zip(&found.residuals).enumerate() {
            assert!(
                (value - sorted[k]).abs() <= 1e-12 * sorted[0],
                "{name}: value {k}: {value} for {}",
                sorted[k]
            );
            let vector: Vec<f64> = found.vector(k).collect();
            let of = |f: &dyn Fn(usize) -> f64| (0..vector.len()).map(|i| f(i).powi(2)).sum::<f64>().sqrt();
            let norm = of(&|i| vector[i]);
            assert!((norm - 1.0).abs() < 1e-12 || sorted[k] == 0.0, "{name}: vector {k} has length {norm}");
            let truly = of(&|i| (diagonal.0[i] - value) * vector[i]);
            // The residual is told by what the last product left, to rounding.
            assert!(
                (truly - residual).abs() < 1e-3 * residual + 1e-13,
                "{name}: {truly:e}, told {residual:e}"
            );
            assert!(*residual <= 1e-8 * sorted[0], "{name}: residual {residual:e}");
        }
    }

    #[test]
    fn leading_pairs_are_found_whatever_the_spectrum() {
        let spread = |n: u32| (0..n).map(|i| 1.0 / f64::from(1 + i)).collect::<Vec<f64>>();
        check("falling", spread(1000), 5);
        check("falling, many asked for", spread(1000), 60);
        check("falling slowly", (0..900).map(|i| 1.0 - f64::from(i) / 1e3).collect(), 3);
        check("fewer rows than a panel", spread(7), 3);
        check("all of a few", spread(20), 20);
        check("more than there are", spread(20), 40);
        check("one value", vec![2.0; 500], 40);
        check(
            "two values, the larger often",
            (0..600).map(|i| if i % 2 == 0 { 3.0 } else { 1.0 }).collect(),
            50,
        );
        check("rank three", (0..800).map(|i| if i < 3 { 1.0 } else { 0.0 }).collect(), 3);
        check("nothing", vec![0.0; 300], 2);
    }
}
