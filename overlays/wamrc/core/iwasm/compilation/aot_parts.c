/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* memfd_create() */
#define _GNU_SOURCE
#include "aot_parts.h"
#include "aot_compiler.h"
#include "aot_optimize.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* In bytes of WebAssembly; a part is not worth a process below it */
#define PART_SIZE_MIN (16 * 1024)
#define PARTS_MAX 256

/* What a child tells ahead of its object */
typedef struct PartHeader {
    uint32 large_frame_func;
    uint64 large_frame_size;
    uint64 object_size;
} PartHeader;

typedef struct Child {
    pid_t pid;
    int result;
    AOTPart *part;
} Child;

/* Objects are put together by their relocations, which have to be apart */
static bool
can_be_parted(const AOTCompContext *comp_ctx)
{
    return !strncmp(comp_ctx->target_arch, "aarch64", 7)
           || !strcmp(comp_ctx->target_arch, "x86_64");
}

static AOTParts *
plan_parts(const AOTCompContext *comp_ctx)
{
    const AOTCompData *comp_data = comp_ctx->comp_data;
    uint64 total = 0, least, size = 0;
    AOTParts *parts;
    AOTPart *part;
    uint32 i;

    for (i = 0; i < comp_data->func_count; i++)
        total += comp_data->funcs[i]->code_size;
    least = total / PARTS_MAX;
    if (least < PART_SIZE_MIN)
        least = PART_SIZE_MIN;

    if (!(parts = wasm_runtime_malloc((uint32)sizeof(AOTParts)
                                      + sizeof(AOTPart) * PARTS_MAX)))
        return NULL;
    memset(parts, 0, sizeof(AOTParts) + sizeof(AOTPart) * PARTS_MAX);

    /* Each but the last one is as large as the least */
    part = parts->parts;
    for (i = 0; i < comp_data->func_count; i++) {
        size += comp_data->funcs[i]->code_size;
        part->end = i + 1;
        if (size >= least && can_be_parted(comp_ctx)) {
            part++;
            part->first = part->end = i + 1;
            size = 0;
        }
    }
    parts->count = (uint32)(part - parts->parts)
                   + (part->first < part->end || part == parts->parts);
    return parts;
}

static bool
write_all(int file, const void *data, uint64 size)
{
    const char *from = data;
    ssize_t written;

    while (size > 0) {
        written = write(file, from, size);
        if (written < 0 && errno != EINTR)
            return false;
        if (written > 0) {
            from += written;
            size -= (uint64)written;
        }
    }
    return true;
}

static bool
read_all(int file, void *data, uint64 size, uint64 offset)
{
    char *to = data;
    ssize_t got;

    while (size > 0) {
        got = pread(file, to, size, (off_t)offset);
        if (got == 0 || (got < 0 && errno != EINTR))
            return false;
        if (got > 0) {
            to += got;
            offset += (uint64)got;
            size -= (uint64)got;
        }
    }
    return true;
}

/* In a child: leaves the object and the sizes of large frames in a file, or the last error */
static bool
compile_part(AOTCompContext *comp_ctx, const AOTPart *part, int result)
{
    const AOTCompData *comp_data = comp_ctx->comp_data;
    PartHeader header = { 0 };
    LLVMMemoryBufferRef object;
    char *err = NULL;
    uint32 i;

    aot_keep_functions(comp_ctx->module, part->first, part->end);
    if (!aot_translate_funcs(comp_ctx, part->first, part->end)) {
        write_all(result, aot_get_last_error(), strlen(aot_get_last_error()));
        return false;
    }
    if (comp_ctx->optimize
        && !aot_optimize(comp_ctx->module, comp_ctx->target_machine,
                         comp_ctx->opt_level, comp_ctx->plain_checks))
        return false;
    if (LLVMTargetMachineEmitToMemoryBuffer(comp_ctx->target_machine,
                                            comp_ctx->module, LLVMObjectFile,
                                            &err, &object)) {
        fprintf(stderr, "wamrc: %s\n", err ? err : "no object is made");
        return false;
    }

    header.large_frame_func = comp_ctx->large_frame_func;
    header.large_frame_size = comp_ctx->large_frame_size;
    header.object_size = LLVMGetBufferSize(object);
    if (!write_all(result, &header, sizeof(header)))
        return false;
    for (i = part->first; i < part->end; i++)
        if (!write_all(result, &comp_data->funcs[i]->frame_size,
                       sizeof(uint32)))
            return false;
    return write_all(result, LLVMGetBufferStart(object), header.object_size);
}

static bool
start_child(AOTCompContext *comp_ctx, AOTPart *part, Child *child)
{
    pid_t parent = getpid();

    if ((child->result = memfd_create("part", MFD_CLOEXEC)) < 0) {
        aot_set_last_error_v("no file for a part: %s.", strerror(errno));
        return false;
    }

    fflush(NULL);
    child->part = part;
    child->pid = fork();
    if (child->pid == 0) {
        /* Nobody waits for what is left of a compiler that was ended */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(EXIT_FAILURE);
        bool good = compile_part(comp_ctx, part, child->result);
        fflush(NULL);
        _exit(good ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    if (child->pid < 0) {
        aot_set_last_error_v("no process for a part: %s.", strerror(errno));
        close(child->result);
        return false;
    }
    return true;
}

/* Takes what a child left; a part with frames that were not known is none yet */
static bool
take_result(AOTCompContext *comp_ctx, const Child *child)
{
    AOTCompData *comp_data = comp_ctx->comp_data;
    AOTPart *part = child->part;
    PartHeader header;
    uint64 offset = 0;
    char *object;
    uint32 i;

    if (!read_all(child->result, &header, sizeof(header), offset))
        goto fail;
    offset += sizeof(header);
    for (i = part->first; i < part->end; i++, offset += sizeof(uint32))
        if (!read_all(child->result, &comp_data->funcs[i]->frame_size,
                      sizeof(uint32), offset))
            goto fail;

    if (header.large_frame_size) {
        comp_ctx->large_frame_func = header.large_frame_func;
        comp_ctx->large_frame_size = header.large_frame_size;
        return true;
    }

    if (!(object = malloc(header.object_size)))
        goto fail;
    if (!read_all(child->result, object, header.object_size, offset)) {
        free(object);
        goto fail;
    }
    part->object = LLVMCreateMemoryBufferWithMemoryRangeCopy(
        object, header.object_size, "part");
    free(object);
    return true;

fail:
    aot_set_last_error("a part of the module cannot be read back.");
    return false;
}

/* What a child says was wrong, if it does */
static void
take_error(const Child *child)
{
    char error[128];
    ssize_t length = pread(child->result, error, sizeof(error) - 1, 0);

    if (length > 0) {
        error[length] = '\0';
        aot_set_last_error_v("%s", error);
    }
    else {
        aot_set_last_error("a part of the module does not compile.");
    }
}

static bool
end_child(AOTCompContext *comp_ctx, const Child *child, int status)
{
    bool good = false;

    if (WIFSIGNALED(status)) {
        /* The rest is ended with this process */
        signal(WTERMSIG(status), SIG_DFL);
        raise(WTERMSIG(status));
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS)
        good = take_result(comp_ctx, child);
    else
        take_error(child);
    close(child->result);
    return good;
}

/* Waits for one child, and moves the last one to its place */
static bool
wait_for_child(AOTCompContext *comp_ctx, Child *children, uint32 *count)
{
    int status = 0;
    pid_t pid;
    uint32 i;
    Child child;

    while ((pid = waitpid(-1, &status, 0)) < 0 && errno == EINTR)
        ;
    for (i = 0; i < *count && children[i].pid != pid; i++)
        ;
    if (i == *count) {
        aot_set_last_error("a part of the module got lost.");
        return false;
    }
    child = children[i];
    children[i] = children[--*count];
    return end_child(comp_ctx, &child, status);
}

static bool
compile_all(AOTCompContext *comp_ctx, AOTParts *parts, Child *children)
{
    uint32 i, running = 0;
    bool good = true;

    for (i = 0; i < parts->count && good; i++) {
        if (parts->parts[i].object)
            continue;
        if (running == comp_ctx->jobs)
            good = wait_for_child(comp_ctx, children, &running);
        if (good)
            good = start_child(comp_ctx, &parts->parts[i], &children[running]);
        running += good;
    }
    while (running > 0 && good)
        good = wait_for_child(comp_ctx, children, &running);

    for (i = 0; i < running; i++) {
        kill(children[i].pid, SIGKILL);
        waitpid(children[i].pid, NULL, 0);
        close(children[i].result);
    }
    return good;
}

bool
aot_compile_parts(AOTCompContext *comp_ctx)
{
    AOTCompData *comp_data = comp_ctx->comp_data;
    Child *children;
    bool good;

    if (!comp_data->parts && !(comp_data->parts = plan_parts(comp_ctx))) {
        aot_set_last_error("allocate memory failed.");
        return false;
    }
    if (!(children = malloc(sizeof(Child) * comp_ctx->jobs))) {
        aot_set_last_error("allocate memory failed.");
        return false;
    }
    good = compile_all(comp_ctx, comp_data->parts, children);
    free(children);
    return good;
}

void
aot_destroy_parts(AOTParts *parts)
{
    uint32 i;

    if (!parts)
        return;
    for (i = 0; i < parts->count; i++)
        if (parts->parts[i].object)
            LLVMDisposeMemoryBuffer(parts->parts[i].object);
    wasm_runtime_free(parts);
}
