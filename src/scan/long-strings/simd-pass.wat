;; Passes the inside of a JSON string, sixteen bytes at a time. Assembled into simd-module.ts (test/unit/scan/long-pass.test.ts).
(module
  ;; The first four bytes are for `pass` to answer in; the window on a chunk begins at 16. Two pages hold 64 KiB of it,
  ;; and the sixteen bytes that a load may reach past its end.
  (memory (export "memory") 2)

  ;; Value of a hexadecimal digit; -1 if it is none.
  (func $digit (param $c i32) (result i32)
    (local $d i32)
    (if (i32.lt_u (local.tee $d (i32.sub (local.get $c) (i32.const 0x30))) (i32.const 10))
      (then (return (local.get $d))))
    (if (i32.lt_u (local.tee $d (i32.sub (i32.or (local.get $c) (i32.const 0x20)) (i32.const 0x61))) (i32.const 6))
      (then (return (i32.add (local.get $d) (i32.const 10)))))
    (i32.const -1))

  ;; The UTF-16 unit that \uXXXX at $i stands for; negative if it does not stand there, whole.
  (func $unit (param $i i32) (param $end i32) (result i32)
    (if (i32.gt_u (i32.add (local.get $i) (i32.const 6)) (local.get $end)) (then (return (i32.const -1))))
    (if (i32.ne (i32.load16_u (local.get $i)) (i32.const 0x755c)) (then (return (i32.const -1))))
    (i32.or
      (i32.or
        (i32.shl (call $digit (i32.load8_u offset=2 (local.get $i))) (i32.const 12))
        (i32.shl (call $digit (i32.load8_u offset=3 (local.get $i))) (i32.const 8)))
      (i32.or
        (i32.shl (call $digit (i32.load8_u offset=4 (local.get $i))) (i32.const 4))
        (call $digit (i32.load8_u offset=5 (local.get $i))))))

  ;; Returns where it stopped in [$i, $end): at the closing quote, at a backslash that StringPasser leaves alone, or $end.
  ;; At 0 it leaves by how many bytes the escapes that it passed are longer than what they stand for, in UTF-8.
  (func (export "pass") (param $i i32) (param $end i32) (result i32)
    (local $bytes v128) (local $found i32) (local $second i32) (local $unit i32) (local $shrunk i32)
    (block $stop
      (loop $next
        (br_if $stop (i32.ge_u (local.get $i) (local.get $end)))
        (local.set $bytes (v128.load (local.get $i)))
        (local.set $found
          (i8x16.bitmask
            (v128.or
              (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 0x22)))
              (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 0x5c))))))
        (if (i32.eqz (local.get $found))
          (then
            (local.set $i (i32.add (local.get $i) (i32.const 16)))
            (br $next)))
        (local.set $i (i32.add (local.get $i) (i32.ctz (local.get $found))))
        (br_if $stop (i32.ge_u (local.get $i) (local.get $end)))
        (br_if $stop (i32.eq (i32.load8_u (local.get $i)) (i32.const 0x22)))

        ;; An escape.
        (br_if $stop (i32.ge_u (i32.add (local.get $i) (i32.const 1)) (local.get $end)))
        (local.set $second (i32.load8_u offset=1 (local.get $i)))
        (br_if $stop (i32.ge_u (local.get $second) (i32.const 0x80)))
        (if (i32.ne (local.get $second) (i32.const 0x75))
          (then
            (local.set $shrunk (i32.add (local.get $shrunk) (i32.const 1)))
            (local.set $i (i32.add (local.get $i) (i32.const 2)))
            (br $next)))
        (br_if $stop (i32.lt_s (local.tee $unit (call $unit (local.get $i) (local.get $end))) (i32.const 0)))
        (if (i32.eq (i32.and (local.get $unit) (i32.const 0xf800)) (i32.const 0xd800))
          (then
            ;; Twelve bytes for a pair of surrogates, which is four bytes of UTF-8.
            (br_if $stop (i32.ge_u (local.get $unit) (i32.const 0xdc00)))
            (br_if $stop
              (i32.ne
                (i32.and (call $unit (i32.add (local.get $i) (i32.const 6)) (local.get $end)) (i32.const 0xfffffc00))
                (i32.const 0xdc00)))
            (local.set $shrunk (i32.add (local.get $shrunk) (i32.const 8)))
            (local.set $i (i32.add (local.get $i) (i32.const 12)))
            (br $next)))
        ;; Six bytes for one, two or three.
        (local.set $shrunk
          (i32.add
            (local.get $shrunk)
            (i32.sub
              (i32.const 5)
              (i32.add
                (i32.ge_u (local.get $unit) (i32.const 0x80))
                (i32.ge_u (local.get $unit) (i32.const 0x800))))))
        (local.set $i (i32.add (local.get $i) (i32.const 6)))
        (br $next)))
    (i32.store (i32.const 0) (local.get $shrunk))
    (select (local.get $i) (local.get $end) (i32.lt_u (local.get $i) (local.get $end))))
)
