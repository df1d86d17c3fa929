# The handler of the core, by rustc 1.85.1. Written by: make handler RECORD=1
redirect:
	endbr64
	mov    0xc8(%rdx),%eax
	imul   %edi,%eax
	bswap  %eax
	and    0xcc(%rdx),%eax
	or     …(%rip),%eax
	js     .1
	mov    0xe0(%rdx,%rax,1),%rax
	mov    %rax,0x80(%rcx)
	jmp    …
.1:
	endbr64
	push   %rbx
	mov    %rdx,%rsi
	mov    %rcx,%rbx
	call   …
	mov    %rax,0x80(%rbx)
	pop    %rbx
	jmp    …
look_closer:
	imul   0xc8(%rsi),%edi
	bswap  %edi
	and    0xcc(%rsi),%edi
	and    $0xffffffe0,%edi
	add    %rdi,%rsi
	add    $0xe0,%rsi
	mov    …(%rip),%ecx
	test   $0x40000000,%ecx
	je     .2
	mov    %gs:…(%rip),%eax
	cmp    $0xfffffff,%eax
	jbe    .2
	movzbl 0x10(%rsi),%eax
	test   %al,%al
	je     .2
	mov    …(%rip),%ecx
	cs nopw 0x0(%rax,%rax,1)
.1:
	mov    %ecx,%edx
	and    $0xbfffffff,%edx
	mov    %ecx,%eax
	lock cmpxchg %edx,…(%rip)
	mov    %eax,%ecx
	jne    .1
.2:
	mov    0x18(%rsi),%rdx
	test   %rdx,%rdx
	je     .6
	nop
.3:
	mov    (%rdx),%rax
	mov    0x60(%rax),%eax
	test   $0x40000000,%eax
	je     .5
	mov    %gs:…(%rip),%edi
	cmp    $0xfffffff,%edi
	jbe    .5
	mov    (%rdx),%rdi
	mov    0x60(%rdi),%eax
	data16 data16 data16 data16 cs nopw 0x0(%rax,%rax,1)
.4:
	mov    %eax,%r8d
	and    $0xbfffffff,%r8d
	lock cmpxchg %r8d,0x60(%rdi)
	jne    .4
.5:
	test   $0x8,%al
	jne    .7
	mov    0x18(%rdx),%rdx
	test   %rdx,%rdx
	jne    .3
.6:
	and    $0x8,%ecx
	mov    (%rsi,%rcx,1),%rax
	jmp    …
.7:
	mov    (%rdx),%r9
	mov    %gs:…(%rip),%rsi
	mov    $0x10,%eax
	test   %rsi,%rsi
	je     .12
	mov    0x18(%r9),%rdi
	movabs $0x9e3779b97f4a7c15,%r8
	imul   %rsi,%r8
	test   %rdi,%rdi
	je     .8
	bsr    %rdi,%rcx
	xor    $0x3f,%rcx
	jmp    .9
.8:
	mov    $0x40,%ecx
.9:
	mov    0x8(%r9),%r9
	inc    %cl
	shr    %cl,%r8
	lea    -0x1(%rdi),%rcx
	data16 data16 data16 cs nopw 0x0(%rax,%rax,1)
.10:
	sub    $0x1,%rdi
	jb     .12
	mov    %r8,%r10
	and    %rcx,%r10
	mov    (%r9,%r10,8),%r10
	cmp    %rsi,%r10
	je     .11
	inc    %r8
	test   %r10,%r10
	jne    .10
.11:
	xor    %eax,%eax
	test   %r10,%r10
	sete   %al
	lea    0x8(,%rax,8),%rax
.12:
	mov    (%rdx,%rax,1),%rax
	jmp    …
