# Prints a line on the UART of `virt` (and of the example board `pocket`) and ends the emulation with status 0.
# riscv64-linux-gnu-gcc -nostdlib -static -Wl,-Ttext=0x80000000,--build-id=none -o hello hello.S
# riscv64-linux-gnu-objcopy -O binary hello hello.bin
        .global _start
_start: lla     t0, text
        li      t1, 0x10000000          # UART
next:   lbu     t2, 0(t0)
        beqz    t2, done
        sb      t2, 0(t1)
        addi    t0, t0, 1
        j       next
done:   li      t0, 0x100000            # test finisher
        li      t1, 0x5555
        sw      t1, 0(t0)
        j       .
text:   .asciz  "Hello from the guest\n"
