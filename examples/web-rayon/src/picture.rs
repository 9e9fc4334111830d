//! A part of the Mandelbrot set, lit from the side.
//!
//! How fast a point escapes gives its colour; how the escape changes around it gives the slope that the light falls on.

/// The picture's size, in pixels.
pub const WIDTH: usize = 960;
pub const HEIGHT: usize = 640;
/// It is painted in squares of so many pixels on a side.
pub const TILE: usize = 32;
pub const TILES: usize = WIDTH / TILE * (HEIGHT / TILE);

/// What the picture shows: a part of the complex plane, by its middle and its width.
const MIDDLE: (f64, f64) = (-0.743_60, 0.131_84);
const SPAN: f64 = 0.0008;
/// A point that has not escaped by then is inside.
const PATIENCE: u32 = 3000;
/// Each pixel is the mean of so many points, squared.
const SAMPLES: usize = 2;
const INSIDE: [f64; 3] = [0.005, 0.008, 0.02];

/// A pixel, as a canvas wants it: red in the lowest byte, then green, blue, and full opacity.
pub fn pixel(x: usize, y: usize) -> u32 {
    let mut sum = [0.0; 3];
    for sample in 0..SAMPLES * SAMPLES {
        let within = |pixel: usize, sample: usize| pixel as f64 + (sample as f64 + 0.5) / SAMPLES as f64;
        let step = SPAN / WIDTH as f64;
        let re = MIDDLE.0 + (within(x, sample % SAMPLES) - WIDTH as f64 / 2.0) * step;
        let im = MIDDLE.1 - (within(y, sample / SAMPLES) - HEIGHT as f64 / 2.0) * step;
        for (sum, part) in sum.iter_mut().zip(colour(re, im)) {
            *sum += part;
        }
    }
    let byte = |sum: f64| {
        // Light adds up linearly; what a screen is told does not.
        let light = (sum / (SAMPLES * SAMPLES) as f64).clamp(0.0, 1.0);
        (light.sqrt() * 255.0 + 0.5) as u32
    };
    0xff00_0000 | byte(sum[2]) << 16 | byte(sum[1]) << 8 | byte(sum[0])
}

/// The light of one point: red, green, blue, each from 0 to 1.
fn colour(re: f64, im: f64) -> [f64; 3] {
    const FAR: f64 = 1e6;
    let (mut x, mut y) = (0.0_f64, 0.0_f64);
    // The derivative of (x, y) by the point.
    let (mut dx, mut dy) = (0.0_f64, 0.0_f64);
    for count in 0..PATIENCE {
        (dx, dy) = (2.0 * (x * dx - y * dy) + 1.0, 2.0 * (x * dy + y * dx));
        (x, y) = (x * x - y * y + re, 2.0 * x * y + im);
        let far = x * x + y * y;
        if far > FAR {
            let smooth = f64::from(count) + 1.0 - (far.ln() / FAR.ln()).log2();
            return palette(smooth).map(|part| part * lit(x, y, dx, dy));
        }
    }
    INSIDE
}

/// How much light a slope gets. It faces along (x, y) / (dx, dy), a direction in the plane.
fn lit(x: f64, y: f64, dx: f64, dy: f64) -> f64 {
    const LIGHT: (f64, f64) = (-0.6, 0.8);
    const HEIGHT: f64 = 1.4;
    let (slope_x, slope_y) = (x * dx + y * dy, y * dx - x * dy);
    let length = (slope_x * slope_x + slope_y * slope_y).sqrt();
    let facing = (slope_x * LIGHT.0 + slope_y * LIGHT.1) / length;
    ((facing + HEIGHT) / (1.0 + HEIGHT)).max(0.0)
}

/// Colours that come again, softly: deep blue, ice, sand, rust.
fn palette(smooth: f64) -> [f64; 3] {
    let turn = 0.16 * smooth.max(0.0).sqrt();
    let wave = |mean: f64, swing: f64, phase: f64| mean + swing * (std::f64::consts::TAU * (turn + phase)).cos();
    [wave(0.46, 0.44, 0.62), wave(0.40, 0.34, 0.54), wave(0.42, 0.36, 0.36)]
}
