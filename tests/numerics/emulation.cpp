// A processor in the place of a GPU, for device functions in CUDA C++: the threads of a block take turns, each going on to
// the next barrier, and blocks come one after another. So sums and indices can be tested where there is no GPU; speed and
// the memory of a GPU cannot. Compiled with -DREAL=float or double and -DSOURCE="..." .

#include <cmath>
#include <cstring>
#include <functional>
#include <setjmp.h>
#include <ucontext.h>
#include <utility>
#include <vector>

#define __global__
#define __device__
#define __shared__ static

struct Numbers {
    unsigned x, y;
};
static Numbers blockIdx, blockDim, threadIdx;

using std::fabs;
using std::fmax;
using std::fmin;
using std::sqrt;

struct Thread {
    ucontext_t start; // a stack of its own; from then on jumps, which need no system call
    jmp_buf place;
    Numbers number;
    bool started, done;
};
static std::vector<Thread> threads;
static Thread *current;
static jmp_buf scheduler;
static std::function<void()> body;

static void __syncthreads()
{
    if (!_setjmp(current->place))
        _longjmp(scheduler, 1);
}

#include SOURCE

static void whole()
{
    body();
    current->done = true;
    _longjmp(scheduler, 1);
}

// The current thread, to its next barrier or to its end.
static void __attribute__((noinline)) resume()
{
    if (_setjmp(scheduler))
        return;
    if (current->started)
        _longjmp(current->place, 1);
    current->started = true;
    setcontext(&current->start);
}

// One block; false if some threads end while others wait at a barrier.
static bool run_block(bool backwards)
{
    static std::vector<char> stacks;
    const size_t stack = 1 << 16, count = blockDim.x * blockDim.y;
    stacks.resize(count * stack);
    threads.resize(count);
    for (size_t i = 0; i < count; i++) {
        Thread &thread = threads[i];
        thread.number = {(unsigned)(i % blockDim.x), (unsigned)(i / blockDim.x)};
        thread.started = thread.done = false;
        getcontext(&thread.start);
        thread.start.uc_stack.ss_sp = stacks.data() + i * stack;
        thread.start.uc_stack.ss_size = stack;
        thread.start.uc_link = nullptr;
        makecontext(&thread.start, whole, 0);
    }
    for (size_t ended = 0; ended == 0;) {
        for (size_t i = 0; i < count; i++) {
            current = &threads[backwards ? count - 1 - i : i];
            threadIdx = current->number;
            resume();
            ended += current->done;
        }
        if (ended > 0 && ended < count)
            return false;
    }
    return true;
}

template <class Value> static Value read(void *place)
{
    Value value;
    std::memcpy(&value, place, sizeof value);
    return value;
}

template <class... Values, size_t... I>
static std::function<void()> bound(void (*function)(Values...), void **arguments, std::index_sequence<I...>)
{
    return [=] { function(read<Values>(arguments[I])...); };
}

template <class... Values> static std::function<void()> with(void (*function)(Values...), void **arguments, int count)
{
    if (count != (int)sizeof...(Values))
        return nullptr;
    return bound(function, arguments, std::index_sequence_for<Values...>());
}

#define TRY(NAME)                                                                                                      \
    if (!std::strcmp(name, #NAME))                                                                                     \
        return with(NAME, arguments, count);

static std::function<void()> find(const char *name, void **arguments, int count)
{
    FUNCTIONS(TRY)
    return nullptr;
}

// Runs the blocks from `first` on; 0, or 1 without such a function of so many arguments, or 2 for threads that part.
extern "C" int run(
    const char *name, long long first, long long blocks, unsigned x, unsigned y, void **arguments, int count,
    int backwards)
{
    body = find(name, arguments, count);
    if (!body)
        return 1;
    blockDim = {x, y};
    for (long long i = first; i < blocks; i++) {
        blockIdx = {(unsigned)(backwards ? blocks - 1 - (i - first) : i), 0};
        if (!run_block(backwards))
            return 2;
    }
    return 0;
}
