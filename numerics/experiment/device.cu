// The passes of an experiment as device functions, for float and for double: REAL names the type.
//
// Maps come as x (B, C, P), P pixels, contiguous; whatever else lies as its comment says, the last index running fastest.
// Sums over the pixels of a map are taken in double, sums over channels and everything else in REAL, as the loops for the
// processor do (loops.py). There are two ways to share out the work:
//
// * numbers of maps: a row of threads, blockDim.x of them, for each map, and blockDim.y maps in a block;
// * numbers of pixels: a thread for each of blockDim.x pixels, all of one sample, and blockDim.y groups of channels that
//   are added up at the end. A block is a *tile* of pixels.
//
// Neighboring threads read neighboring pixels either way. Every sum is taken in an order that the shapes alone decide,
// without atomic operations, so that two runs agree bit for bit. Where there are more threads than pixels or maps, the
// rest repeat the last one, so that all meet at the barriers, and write nothing.

typedef REAL Real;
typedef long long Index;

const int THREADS = 256; // blockDim.x * blockDim.y, always
const int STAGED = 32;   // channels whose coefficients a block keeps at hand

static __device__ int own_number() { return threadIdx.y * blockDim.x + threadIdx.x; }

static __device__ Index own_block() { return blockIdx.x; }

static __device__ Index least(Index a, Index b) { return a < b ? a : b; }

// The first SUMS of K values added, and the greatest of each other, over `width` threads (a power of 2), of which this
// is number `lane`. Value k stands in place[k * THREADS] of the first of them.
template <int SUMS, int K> static __device__ void across(const double *values, double *place, int lane, int width)
{
    for (int k = 0; k < K; k++)
        place[k * THREADS] = values[k];
    for (int half = width / 2; half > 0; half /= 2) {
        __syncthreads();
        if (lane < half)
            for (int k = 0; k < K; k++) {
                const double mine = place[k * THREADS], other = place[k * THREADS + half];
                place[k * THREADS] = k < SUMS ? mine + other : fmax(mine, other);
            }
    }
    __syncthreads();
}

// The sum over the groups of channels of a block, pixel by pixel; every group is given it.
static __device__ Real over_groups(Real value, Real *shared)
{
    if (blockDim.y == 1)
        return value;
    __syncthreads();
    shared[own_number()] = value;
    __syncthreads();
    Real total = 0;
    for (unsigned group = 0; group < blockDim.y; group++)
        total += shared[group * blockDim.x + threadIdx.x];
    return total;
}

// The mean over the channels of x - pivot at one pixel, where `column` points to its first channel; pivots (C) or null.
static __device__ Real channel_mean(
    const Real *column, const Real *pivots, Index channels, Index pixels, Real *shared)
{
    Real total = 0;
#pragma unroll 4
    for (Index c = threadIdx.y; c < channels; c += blockDim.y)
        total += pivots ? column[c * pixels] - pivots[c] : column[c * pixels];
    return over_groups(total, shared) / channels;
}

// The tile of this block.
struct Tile {
    Index sample, pixel, column; // column: where the entries of the pixel begin
    bool inside;

    __device__ Tile(Index channels, Index pixels)
    {
        const Index tiles = (pixels + blockDim.x - 1) / blockDim.x;
        const Index wanted = own_block() % tiles * blockDim.x + threadIdx.x;
        sample = own_block() / tiles;
        inside = wanted < pixels;
        pixel = least(wanted, pixels - 1);
        column = sample * channels * pixels + pixel;
    }
};

// A sum of squares that REAL cannot hold is infinite, as it were if it had been taken in REAL.
static __device__ double held(double squares)
{
    const Real rounded = (Real)squares;
    return rounded - rounded == 0 ? squares : (double)rounded;
}

// The mean over channels at each pixel, means (B, P), of x, less pivots (B, C) where `pivoted`.
extern "C" __global__ void channel_means(
    const Real *x, const Real *pivots, int pivoted, Index channels, Index pixels, Real *means)
{
    __shared__ Real groups[THREADS];
    const Tile tile(channels, pixels);
    const Real *own = pivoted ? pivots + tile.sample * channels : nullptr;
    const Real mean = channel_mean(x + tile.column, own, channels, pixels, groups);
    if (tile.inside && threadIdx.y == 0)
        means[tile.sample * pixels + tile.pixel] = mean;
}

// Mean, mean square, least and greatest z of each map, found (4, B, C). z = x, less pivots (B, C) where `pivoted`, less
// means (B, P) where `centered`.
extern "C" __global__ void moments(
    const Real *x, const Real *pivots, const Real *means, int pivoted, int centered, Index maps, Index channels,
    Index pixels, double *found)
{
    __shared__ double shared[4 * THREADS];
    const Index wanted = own_block() * blockDim.y + threadIdx.y, map = least(wanted, maps - 1);
    const Real *row = x + map * pixels, *mean = means + map / channels * pixels;
    const Real pivot = pivoted ? pivots[map] : 0;
    const Index some = least(threadIdx.x, pixels - 1);
    Real low = row[some] - pivot - (centered ? mean[some] : 0), high = low;
    double total = 0, squares = 0;
#pragma unroll 4
    for (Index p = threadIdx.x; p < pixels; p += blockDim.x) {
        const Real z = row[p] - pivot - (centered ? mean[p] : 0);
        total += z;
        squares += (double)z * z;
        low = fmin(low, z);
        high = fmax(high, z);
    }
    const double values[4] = {total, squares, -(double)low, high};
    double *place = shared + own_number();
    across<2, 4>(values, place, threadIdx.x, blockDim.x);
    if (wanted < maps && threadIdx.x == 0) {
        found[map] = place[0] / pixels;
        found[maps + map] = held(place[THREADS]) / pixels;
        found[2 * maps + map] = -place[2 * THREADS];
        found[3 * maps + map] = place[3 * THREADS];
    }
}

// Of each map, found (6, B, C): mean square and maximum of left - right; mean, mean square, least and greatest entry of
// right.
extern "C" __global__ void differences(
    const Real *left, const Real *right, Index maps, Index pixels, double *found)
{
    __shared__ double shared[6 * THREADS];
    const Index wanted = own_block() * blockDim.y + threadIdx.y, map = least(wanted, maps - 1);
    const Real *a = left + map * pixels, *e = right + map * pixels;
    Real far = 0, low = e[least(threadIdx.x, pixels - 1)], high = low;
    double apart = 0, total = 0, squares = 0;
#pragma unroll 4
    for (Index p = threadIdx.x; p < pixels; p += blockDim.x) {
        const Real expected = e[p], d = a[p] - expected;
        apart += (double)d * d;
        total += expected;
        squares += (double)expected * expected;
        far = fmax(far, fabs(d));
        low = fmin(low, expected);
        high = fmax(high, expected);
    }
    const double values[6] = {apart, total, squares, far, -(double)low, high};
    double *place = shared + own_number();
    across<3, 6>(values, place, threadIdx.x, blockDim.x);
    if (wanted < maps && threadIdx.x == 0) {
        found[map] = held(place[0]) / pixels;
        found[maps + map] = place[3 * THREADS];
        found[2 * maps + map] = place[THREADS] / pixels;
        found[3 * maps + map] = held(place[2 * THREADS]) / pixels;
        found[4 * maps + map] = -place[4 * THREADS];
        found[5 * maps + map] = place[5 * THREADS];
    }
}

struct alignas(4 * sizeof(Real)) Coefficients {
    Real alpha, beta, other_alpha, other_beta;
};

// The cosine errors of N pairs of lines, summed over each tile: partial (B, tiles, N). Without TWO the lines are over
// z = x - pivot, less its mean over channels where `centered`; lines (N, 4, B, C) are alpha and beta of the left one, then
// of the right one. With TWO the same line is over two arrays; lines (N, 2, B, C), and pivots are not read.
template <int N, bool TWO>
static __device__ void cosines(
    const Real *left, const Real *right, const Real *pivots, int centered, const Real *lines, Index samples,
    Index channels, Index pixels, double smallest, double *partial)
{
    __shared__ double sums[N * THREADS];
    __shared__ Real groups[THREADS], offsets[STAGED];
    __shared__ Coefficients staged[STAGED * N];
    const Tile tile(channels, pixels);
    const Index maps = tile.sample * channels; // those before this sample
    Real mean = 0;
    if (!TWO && centered)
        mean = channel_mean(left + tile.column, pivots + maps, channels, pixels, groups);
    Real inner[N], lefts[N], rights[N];
#pragma unroll
    for (int i = 0; i < N; i++)
        inner[i] = lefts[i] = rights[i] = 0;
    for (Index first = 0; first < channels; first += STAGED) {
        const int count = (int)least(STAGED, channels - first);
        __syncthreads(); // all are done with those before
        for (int k = own_number(); k < 4 * N * STAGED; k += THREADS) {
            const int c = k % STAGED, i = k / STAGED / 4, part = k / STAGED % 4;
            const Index row = TWO ? 2 * i + part % 2 : 4 * i + part;
            if (c < count)
                (&staged[c * N + i].alpha)[part] = lines[row * samples * channels + maps + first + c];
        }
        if (own_number() < count)
            offsets[own_number()] = TWO ? 0 : pivots[maps + first + own_number()];
        __syncthreads();
#pragma unroll 4
        for (int c = threadIdx.y; c < count; c += blockDim.y) {
            const Index place = tile.column + (first + c) * pixels;
            const Real a = left[place] - offsets[c] - mean, e = TWO ? right[place] : a;
#pragma unroll
            for (int i = 0; i < N; i++) {
                const Coefficients line = staged[c * N + i];
                const Real u = line.alpha * a + line.beta, v = line.other_alpha * e + line.other_beta;
                inner[i] += u * v;
                lefts[i] += u * u;
                rights[i] += v * v;
            }
        }
    }
    double errors[N];
    const Real low = (Real)smallest;
#pragma unroll
    for (int i = 0; i < N; i++) {
        const Real product = over_groups(inner[i], groups);
        const Real norm = fmax((Real)sqrt(over_groups(lefts[i], groups)), low);
        const Real other_norm = fmax((Real)sqrt(over_groups(rights[i], groups)), low);
        errors[i] = tile.inside && threadIdx.y == 0 ? (double)(1 - product / (norm * other_norm)) : 0;
    }
    across<N, N>(errors, sums + own_number(), own_number(), THREADS);
    if (own_number() < N)
        partial[own_block() * N + own_number()] = sums[own_number() * THREADS];
}

#define COSINES(N)                                                                                                     \
    extern "C" __global__ void cosines_##N(                                                                            \
        const Real *x, const Real *pivots, int centered, const Real *lines, Index samples, Index channels,             \
        Index pixels, double smallest, double *partial)                                                                \
    {                                                                                                                  \
        cosines<N, false>(x, x, pivots, centered, lines, samples, channels, pixels, smallest, partial);                \
    }                                                                                                                  \
    extern "C" __global__ void cosines_of_two_##N(                                                                     \
        const Real *left, const Real *right, const Real *lines, Index samples, Index channels, Index pixels,           \
        double smallest, double *partial)                                                                              \
    {                                                                                                                  \
        cosines<N, true>(left, right, nullptr, 0, lines, samples, channels, pixels, smallest, partial);                \
    }

COSINES(1)
COSINES(2)
COSINES(3)
COSINES(4)
COSINES(5)
COSINES(6)
COSINES(7)
COSINES(8)

// partial (rows, tiles, columns) added over the tiles: found (rows, columns).
extern "C" __global__ void totals(const double *partial, Index rows, Index tiles, Index columns, double *found)
{
    const Index number = own_block() * THREADS + own_number();
    if (number >= rows * columns)
        return;
    const double *place = partial + number / columns * tiles * columns + number % columns;
    double total = 0;
#pragma unroll 4
    for (Index tile = 0; tile < tiles; tile++)
        total += place[tile * columns];
    found[number] = total;
}

// Each pixel of x over the root of the variance of its channels (mean square, without `center`): y, and variance (B, P).
extern "C" __global__ void standardized(
    const Real *__restrict__ x, int center, double eps, Index channels, Index pixels, Real *__restrict__ y,
    Real *__restrict__ variance)
{
    __shared__ Real groups[THREADS];
    const Tile tile(channels, pixels);
    const Real *column = x + tile.column;
    Real *out = y + tile.column, squares = 0, mean = 0;
    if (center)
        mean = channel_mean(column, nullptr, channels, pixels, groups);
#pragma unroll 4
    for (Index c = threadIdx.y; c < channels; c += blockDim.y) {
        const Real z = column[c * pixels] - mean;
        squares += z * z;
    }
    const Real found = over_groups(squares, groups) / channels, root = 1 / (Real)sqrt(found + (Real)eps);
    if (!tile.inside)
        return;
    if (threadIdx.y == 0)
        variance[tile.sample * pixels + tile.pixel] = found;
#pragma unroll 4
    for (Index c = threadIdx.y; c < channels; c += blockDim.y)
        out[c * pixels] = (column[c * pixels] - mean) * root;
}

// y = (x - mean) root gain + bias; mean and root (B, C). The gain of channel c at pixel p stands in
// gain[c gain_channel + p gain_pixel], the bias likewise, so that neither need be written out.
extern "C" __global__ void scaled(
    const Real *__restrict__ x, const Real *__restrict__ mean, const Real *__restrict__ root,
    const Real *__restrict__ gain, Index gain_channel, Index gain_pixel, const Real *__restrict__ bias,
    Index bias_channel, Index bias_pixel, Index maps, Index channels, Index pixels, Real *__restrict__ y)
{
    const Index map = own_block() * blockDim.y + threadIdx.y;
    if (map >= maps)
        return;
    const Index c = map % channels;
    const Real m = mean[map], r = root[map];
    const Real *row = x + map * pixels, *g = gain + c * gain_channel, *h = bias + c * bias_channel;
    Real *out = y + map * pixels;
#pragma unroll 4
    for (Index p = threadIdx.x; p < pixels; p += blockDim.x)
        out[p] = (row[p] - m) * r * g[p * gain_pixel] + h[p * bias_pixel];
}
