/* fuzz.h - what the fuzzers share. Each file here is one: libFuzzer calls its LLVMFuzzerTestOneInput with bytes that it changes
 * until they reach code that no bytes have reached before. PD_CHECK says what must hold of all of them; both sanitizers watch.
 * One thread, and what is read is gone with the call. tests/fuzz/README.md has the list. */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include "proto/check.h"
#include "proto/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte of many inputs says which block, or which port, the rest is for. */
#define FUZZ_KIND(kind) (1u << PD_BLOCK_##kind)
const struct pd_block *fuzz_block(unsigned kinds, uint8_t n); /* of these kinds, in the order of schema.def, and round again */
enum pd_port           fuzz_port(uint8_t n);                  /* that takes requests */

/* MessagePack-C reserves memory by what a length claims: only small claims may reach it without the scan. */
bool fuzz_claims_little(const uint8_t *data, size_t size);

/* That two packed forms are the same bytes. */
void fuzz_same(const struct mp_writer *a, const struct mp_writer *b);

/* That a refusal says what it should, and is itself a message that the scan takes. */
void fuzz_refusal(const struct pd_refusal *refusal);

/* The bytes as a file; its path. One at a time. */
const char *fuzz_file(const uint8_t *data, size_t size);

#endif
