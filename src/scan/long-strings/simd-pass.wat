;; Passes JSON, sixteen bytes at a time: the inside of a string, and what is plain of an object or array. Assembled into simd-module.ts (test/unit/scan/long-pass.test.ts).
(module
  ;; The first twelve bytes are to answer in; the window on a chunk begins at 16. Two pages hold 64 KiB of it,
  ;; and the sixteen bytes that a load may reach past its end.
  (memory (export "memory") 2)

  ;; A bit for each hexadecimal digit.
  (func $digits (param $bytes v128) (result i32)
    (i8x16.bitmask
      (v128.or
        (i8x16.lt_u (i8x16.sub (local.get $bytes) (i8x16.splat (i32.const 0x30))) (i8x16.splat (i32.const 10)))
        (i8x16.lt_u
          (i8x16.sub (v128.or (local.get $bytes) (i8x16.splat (i32.const 0x20))) (i8x16.splat (i32.const 0x61)))
          (i8x16.splat (i32.const 6))))))

  ;; Returns where it stopped in [$i, $end): at the closing quote, at a backslash that StringPasser leaves alone, or $end.
  ;; At 0 it leaves by how many bytes the escapes that it passed are longer than what they stand for, in UTF-8.
  (func $pass (export "pass") (param $i i32) (param $end i32) (result i32)
    (local $block i32) (local $found i32) (local $shrunk i32)
    (local $bytes v128) (local $second i32) (local $digits i32) (local $first_digit i32) (local $second_digit i32)
    (local $is_three i32) (local $b0 v128) (local $b1 v128) (local $b2 v128) (local $b3 v128)
    (local $slashes i64) (local $after i64) (local $escaped i64) (local $quotes i64) (local $wide_from i32)
    (block $stop
      (loop $next_block
        (br_if $stop (i32.ge_u (local.get $i) (local.get $end)))
        ;; 64 bytes at a time, without a branch for each escape, where all of these are of two characters.
        (block $narrow
          (br_if $narrow (i32.lt_u (local.get $i) (local.get $wide_from)))
          (br_if $narrow (i32.gt_u (i32.add (local.get $i) (i32.const 64)) (local.get $end)))
          ;; What follows is written out three times, for neither V8 nor JavaScriptCore inlines a function that takes vectors.
          (local.set $b0 (v128.load (local.get $i)))
          (local.set $b1 (v128.load offset=16 (local.get $i)))
          (local.set $b2 (v128.load offset=32 (local.get $i)))
          (local.set $b3 (v128.load offset=48 (local.get $i)))
          ;; A bit for each of the 64 that is a backslash.
          (local.set $slashes
            (i64.or
              (i64.extend_i32_u
                (i32.or
                  (i8x16.bitmask (i8x16.eq (local.get $b0) (i8x16.splat (i32.const 0x5c))))
                  (i32.shl (i8x16.bitmask (i8x16.eq (local.get $b1) (i8x16.splat (i32.const 0x5c)))) (i32.const 16))))
              (i64.shl
                (i64.extend_i32_u
                  (i32.or
                    (i8x16.bitmask (i8x16.eq (local.get $b2) (i8x16.splat (i32.const 0x5c))))
                    (i32.shl (i8x16.bitmask (i8x16.eq (local.get $b3) (i8x16.splat (i32.const 0x5c)))) (i32.const 16))))
                (i64.const 32))))
          ;; A bit for each that is a quote.
          (local.set $quotes
            (i64.or
              (i64.extend_i32_u
                (i32.or
                  (i8x16.bitmask (i8x16.eq (local.get $b0) (i8x16.splat (i32.const 0x22))))
                  (i32.shl (i8x16.bitmask (i8x16.eq (local.get $b1) (i8x16.splat (i32.const 0x22)))) (i32.const 16))))
              (i64.shl
                (i64.extend_i32_u
                  (i32.or
                    (i8x16.bitmask (i8x16.eq (local.get $b2) (i8x16.splat (i32.const 0x22))))
                    (i32.shl (i8x16.bitmask (i8x16.eq (local.get $b3) (i8x16.splat (i32.const 0x22)))) (i32.const 16))))
                (i64.const 32))))
          ;; A backslash in the last place may begin an escape.
          (br_if $narrow (i64.lt_s (local.get $slashes) (i64.const 0)))
          ;; What an odd number of backslashes stands before (Langdale and Lemire, Parsing gigabytes of JSON per second, 3.1.1).
          (local.set $after (i64.shl (local.get $slashes) (i64.const 1)))
          (local.set $escaped
            (i64.and
              (local.get $after)
              (i64.xor
                (i64.const 0x5555555555555555)
                (i64.shl
                  (i64.add
                    (local.get $slashes)
                    (i64.and
                      (i64.and (local.get $slashes) (i64.const 0xaaaaaaaaaaaaaaaa))
                      (i64.xor (local.get $after) (i64.const -1))))
                  (i64.const 1)))))
          (if (i64.ne (local.get $escaped) (i64.const 0))
            (then
              (if (i64.ne
                    (i64.and
                      (local.get $escaped)
                      ;; A bit for each that is a `u` or not ASCII.
                      (i64.or
                        (i64.extend_i32_u
                          (i32.or
                            (i8x16.bitmask (v128.or (local.get $b0) (i8x16.eq (local.get $b0) (i8x16.splat (i32.const 0x75)))))
                            (i32.shl (i8x16.bitmask (v128.or (local.get $b1) (i8x16.eq (local.get $b1) (i8x16.splat (i32.const 0x75))))) (i32.const 16))))
                        (i64.shl
                          (i64.extend_i32_u
                            (i32.or
                              (i8x16.bitmask (v128.or (local.get $b2) (i8x16.eq (local.get $b2) (i8x16.splat (i32.const 0x75)))))
                              (i32.shl (i8x16.bitmask (v128.or (local.get $b3) (i8x16.eq (local.get $b3) (i8x16.splat (i32.const 0x75))))) (i32.const 16))))
                          (i64.const 32))))
                    (i64.const 0))
                (then
                  ;; Such escapes seldom stand alone.
                  (local.set $wide_from (i32.add (local.get $i) (i32.const 512)))
                  (br $narrow)))
              (local.set $quotes (i64.and (local.get $quotes) (i64.xor (local.get $escaped) (i64.const -1))))))
          (if (i64.eqz (local.get $quotes))
            (then
              (local.set $shrunk
                (i32.add (local.get $shrunk) (i32.wrap_i64 (i64.popcnt (local.get $escaped)))))
              (local.set $i (i32.add (local.get $i) (i32.const 64)))
              (br $next_block)))
          (local.set $quotes (i64.ctz (local.get $quotes)))
          (local.set $shrunk
            (i32.add
              (local.get $shrunk)
              (i32.wrap_i64
                (i64.popcnt
                  (i64.and
                    (local.get $escaped)
                    (i64.sub (i64.shl (i64.const 1) (local.get $quotes)) (i64.const 1)))))))
          (local.set $i (i32.add (local.get $i) (i32.wrap_i64 (local.get $quotes))))
          (br $stop))
        (local.set $block (local.get $i))
        (local.set $bytes (v128.load (local.get $i)))
        ;; A bit for each quote and backslash.
        (local.set $found
          (i8x16.bitmask
            (v128.or
              (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 0x22)))
              (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 0x5c))))))
        (loop $next_found
          (if (i32.eqz (local.get $found))
            (then
              (local.set $i (i32.add (local.get $block) (i32.const 16)))
              (br $next_block)))
          (local.set $i (i32.add (local.get $block) (i32.ctz (local.get $found))))
          (br_if $stop (i32.ge_u (local.get $i) (local.get $end)))
          (br_if $stop (i32.eq (i32.load8_u (local.get $i)) (i32.const 0x22)))

          (loop $escape
            (br_if $stop (i32.ge_u (i32.add (local.get $i) (i32.const 1)) (local.get $end)))
            (local.set $second (i32.load8_u offset=1 (local.get $i)))
            (br_if $stop (i32.ge_u (local.get $second) (i32.const 0x80)))
            (if (i32.ne (local.get $second) (i32.const 0x75))
              (then
                (local.set $shrunk (i32.add (local.get $shrunk) (i32.const 1)))
                (local.set $i (i32.add (local.get $i) (i32.const 2))))
              (else
                (br_if $stop (i32.gt_u (i32.add (local.get $i) (i32.const 6)) (local.get $end)))
                (local.set $bytes (v128.load (local.get $i)))
                (local.set $digits (call $digits (local.get $bytes)))
                (br_if $stop (i32.ne (i32.and (local.get $digits) (i32.const 0x3c)) (i32.const 0x3c)))
                (local.set $first_digit (i8x16.extract_lane_u 2 (local.get $bytes)))
                (local.set $second_digit (i8x16.extract_lane_u 3 (local.get $bytes)))
                (if (i32.and
                      (i32.eq (i32.or (local.get $first_digit) (i32.const 0x20)) (i32.const 0x64))
                      (i32.ge_u (local.get $second_digit) (i32.const 0x38)))
                  (then
                    ;; D800 to DFFF. Twelve bytes for a pair of surrogates, which is four bytes of UTF-8.
                    (br_if $stop
                      (i32.ge_u (i32.or (local.get $second_digit) (i32.const 0x20)) (i32.const 0x63)))
                    (br_if $stop (i32.gt_u (i32.add (local.get $i) (i32.const 12)) (local.get $end)))
                    (br_if $stop (i32.ne (i32.load16_u offset=6 (local.get $i)) (i32.const 0x755c)))
                    (br_if $stop (i32.ne (i32.and (local.get $digits) (i32.const 0xf00)) (i32.const 0xf00)))
                    (local.set $bytes (v128.or (local.get $bytes) (i8x16.splat (i32.const 0x20))))
                    (br_if $stop (i32.ne (i8x16.extract_lane_u 8 (local.get $bytes)) (i32.const 0x64)))
                    (br_if $stop (i32.lt_u (i8x16.extract_lane_u 9 (local.get $bytes)) (i32.const 0x63)))
                    (local.set $shrunk (i32.add (local.get $shrunk) (i32.const 8)))
                    (local.set $i (i32.add (local.get $i) (i32.const 12))))
                  (else
                    ;; Six bytes for one, for two (from 0080) or for three (from 0800).
                    (local.set $is_three
                      (i32.or
                        (i32.ne (local.get $first_digit) (i32.const 0x30))
                        (i32.ge_u (local.get $second_digit) (i32.const 0x38))))
                    (local.set $shrunk
                      (i32.sub
                        (i32.sub (i32.add (local.get $shrunk) (i32.const 5)) (local.get $is_three))
                        (i32.or
                          (local.get $is_three)
                          (i32.or
                            (i32.ne (local.get $second_digit) (i32.const 0x30))
                            (i32.ge_u (i8x16.extract_lane_u 4 (local.get $bytes)) (i32.const 0x38))))))
                    (local.set $i (i32.add (local.get $i) (i32.const 6)))))))
            ;; Text that is all escapes waits for no search.
            (br_if $escape (i32.eq (i32.load8_u (local.get $i)) (i32.const 0x5c))))

          ;; What the block holds behind the escape was found already.
          (br_if $next_block (i32.ge_u (i32.sub (local.get $i) (local.get $block)) (i32.const 16)))
          (local.set $found
            (i32.and
              (local.get $found)
              (i32.shl (i32.const -1) (i32.sub (local.get $i) (local.get $block)))))
          (br $next_found))))
    (i32.store (i32.const 0) (local.get $shrunk))
    (select (local.get $i) (local.get $end) (i32.lt_u (local.get $i) (local.get $end))))

  ;; Passes strings, openers and closers in [$i, $end), inside $depth objects and arrays, as SubtreeSkipper counts them.
  ;; Returns where it stopped: at $end, at the closer of the outermost, or at the quote that opens a string which is not
  ;; plain: the name `data`, one whose first bytes are escaped, one whose end or what follows it is not there.
  ;; At 4 it leaves the depth, at 8 the decoded bytes of the values among the strings, data URIs left out.
  (func (export "skip") (param $i i32) (param $end i32) (param $depth i32) (result i32)
    (local $block i32) (local $found i32) (local $text i32) (local $bytes v128) (local $byte i32)
    (local $from i32) (local $close i32) (local $next i32) (local $size i32)
    (block $stop
      (loop $next_block
        (br_if $stop (i32.ge_u (local.get $i) (local.get $end)))
        (local.set $block (local.get $i))
        (local.set $bytes (v128.load (local.get $i)))
        ;; A bit for each quote, opener and closer. Bit 5 is all that tells braces from brackets.
        (local.set $found (i8x16.bitmask (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 0x22)))))
        (local.set $bytes (v128.or (local.get $bytes) (i8x16.splat (i32.const 0x20))))
        (local.set $found
          (i32.or
            (local.get $found)
            (i8x16.bitmask
              (v128.or
                (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 0x7b)))
                (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 0x7d)))))))
        (loop $next_found
          (if (i32.eqz (local.get $found))
            (then
              (local.set $i (i32.add (local.get $block) (i32.const 16)))
              (br $next_block)))
          (local.set $i (i32.add (local.get $block) (i32.ctz (local.get $found))))
          (br_if $stop (i32.ge_u (local.get $i) (local.get $end)))
          (local.set $byte (i32.load8_u (local.get $i)))
          (if (i32.ne (local.get $byte) (i32.const 0x22))
            (then
              (if (i32.eq (i32.or (local.get $byte) (i32.const 0x20)) (i32.const 0x7b))
                (then (local.set $depth (i32.add (local.get $depth) (i32.const 1))))
                (else
                  (br_if $stop (i32.eq (local.get $depth) (i32.const 1)))
                  (local.set $depth (i32.sub (local.get $depth) (i32.const 1)))))
              (local.set $i (i32.add (local.get $i) (i32.const 1))))
            (else
              (local.set $from (i32.add (local.get $i) (i32.const 1)))
              (local.set $close (call $find_end (local.get $from)))
              (local.set $size (i32.sub (local.get $close) (local.get $from)))
              (if (i32.or
                    (i32.eq (local.get $size) (i32.const 16))
                    (i32.eq (i32.load8_u (local.get $close)) (i32.const 0x5c)))
                (then
                  (br_if $stop (i32.lt_u (local.get $size) (i32.const 5)))
                  ;; A longer one is for StringPasser, which would pass it once more.
                  (local.set $next (i32.add (local.get $close) (i32.const 2048)))
                  (local.set $close
                    (call $pass
                      (local.get $close)
                      (select (local.get $next) (local.get $end) (i32.lt_u (local.get $next) (local.get $end)))))
                  (local.set $size
                    (i32.sub (i32.sub (local.get $close) (local.get $from)) (i32.load (i32.const 0))))))
              (br_if $stop (i32.ne (i32.load8_u (local.get $close)) (i32.const 0x22)))
              ;; What follows the string says what it is.
              (local.set $next (local.get $close))
              (loop $blank
                (local.set $next (i32.add (local.get $next) (i32.const 1)))
                (br_if $stop (i32.ge_u (local.get $next) (local.get $end)))
                (br_if $blank
                  (i32.le_u (local.tee $byte (i32.load8_u (local.get $next))) (i32.const 0x20))))
              (if (i32.eq (local.get $byte) (i32.const 0x3a))
                (then
                  (br_if $stop
                    (i32.and
                      (i32.eq (local.get $size) (i32.const 4))
                      (i32.eq (i32.load (local.get $from)) (i32.const 0x61746164)))))
                (else
                  (br_if $stop
                    (i32.eqz
                      (i32.or
                        (i32.eq (local.get $byte) (i32.const 0x2c))
                        (i32.eq (i32.or (local.get $byte) (i32.const 0x20)) (i32.const 0x7d)))))
                  (if (i32.eqz
                        (i32.and
                          (i32.ge_u (local.get $size) (i32.const 5))
                          (i32.and
                            (i32.eq (i32.load (local.get $from)) (i32.const 0x61746164))
                            (i32.eq (i32.load8_u offset=4 (local.get $from)) (i32.const 0x3a)))))
                    (then (local.set $text (i32.add (local.get $text) (local.get $size)))))))
              (local.set $i (local.get $next))))

          (br_if $next_block (i32.ge_u (i32.sub (local.get $i) (local.get $block)) (i32.const 16)))
          (local.set $found
            (i32.and
              (local.get $found)
              (i32.shl (i32.const -1) (i32.sub (local.get $i) (local.get $block)))))
          (br $next_found))))
    (i32.store (i32.const 4) (local.get $depth))
    (i32.store (i32.const 8) (local.get $text))
    (select (local.get $i) (local.get $end) (i32.lt_u (local.get $i) (local.get $end))))

  ;; The first quote or backslash of the sixteen bytes from $i on, or where these end.
  (func $find_end (param $i i32) (result i32)
    (local $bytes v128)
    (local.set $bytes (v128.load (local.get $i)))
    (i32.add
      (local.get $i)
      (i32.ctz
        (i32.or
          (i32.const 0x10000)
          (i8x16.bitmask
            (v128.or
              (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 0x22)))
              (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 0x5c)))))))))
)
