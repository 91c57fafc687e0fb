mod real;
mod wire;
