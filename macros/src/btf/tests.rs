// SPDX-License-Identifier: GPL-2.0

use super::*;

/// Writes BTF, for tests.
#[derive(Default)]
pub(crate) struct Writer {
    types: Vec<u8>,
    strings: Vec<u8>,
    next: Id,
    first_string: u32,
}

impl Writer {
    /// BTF that stands alone.
    pub(crate) fn new() -> Self {
        Writer {
            strings: vec![0],
            next: 1,
            ..Self::default()
        }
    }

    /// BTF that goes on where `base` ends.
    pub(crate) fn on(base: &Btf) -> Self {
        Writer {
            next: base.next_id(),
            first_string: base.next_string(),
            ..Self::default()
        }
    }

    fn string(&mut self, text: &str) -> u32 {
        if text.is_empty() {
            return 0;
        }
        let offset = self.first_string + self.strings.len() as u32;
        self.strings.extend(text.as_bytes());
        self.strings.push(0);
        offset
    }

    /// Adds a type with `length` as vlen and the words that follow it.
    fn add(&mut self, kind: u32, name: &str, length: u32, operand: u32, rest: &[u32]) -> Id {
        let name = self.string(name);
        let words = [name, (kind << 24) | length, operand];
        self.types
            .extend(words.iter().chain(rest).flat_map(|word| word.to_le_bytes()));
        self.next += 1;
        self.next - 1
    }

    pub(crate) fn integer(&mut self, name: &str, size: u32, encoding: u32) -> Id {
        self.add(1, name, 0, size, &[(encoding << 24) | (size * 8)])
    }

    pub(crate) fn pointer(&mut self, target: Id) -> Id {
        self.add(2, "", 0, target, &[])
    }

    pub(crate) fn array(&mut self, element: Id, count: u32) -> Id {
        self.add(3, "", 0, 0, &[element, 0, count])
    }

    /// A struct with one member.
    pub(crate) fn structure(&mut self, name: &str, size: u32, member: Id) -> Id {
        let member_name = self.string("member");
        self.add(4, name, 1, size, &[member_name, member, 0])
    }

    pub(crate) fn forward(&mut self, name: &str) -> Id {
        self.add(7, name, 0, 0, &[])
    }

    pub(crate) fn enumeration(&mut self, name: &str, size: u32) -> Id {
        let member = self.string("MEMBER");
        self.add(6, name, 1, size, &[member, 0])
    }

    pub(crate) fn typedef(&mut self, name: &str, target: Id) -> Id {
        self.add(8, name, 0, target, &[])
    }

    pub(crate) fn constant(&mut self, target: Id) -> Id {
        self.add(10, "", 0, target, &[])
    }

    pub(crate) fn float(&mut self, name: &str, size: u32) -> Id {
        self.add(16, name, 0, size, &[])
    }

    pub(crate) fn prototype(&mut self, result: Id, parameters: &[(&str, Id)]) -> Id {
        let words: Vec<u32> = parameters
            .iter()
            .flat_map(|(name, kind)| [self.string(name), *kind])
            .collect();
        self.add(13, "", parameters.len() as u32, result, &words)
    }

    pub(crate) fn function(&mut self, name: &str, prototype: Id) -> Id {
        self.add(12, name, 0, prototype, &[])
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let lengths = [self.types.len() as u32, self.strings.len() as u32];
        let header = [
            0x0001_eb9f,
            HEADER as u32,
            0,
            lengths[0],
            lengths[0],
            lengths[1],
        ];
        let mut data: Vec<u8> = header.iter().flat_map(|word| word.to_le_bytes()).collect();
        data.extend(&self.types);
        data.extend(&self.strings);
        data
    }

    pub(crate) fn read(&self, base: Option<Rc<Btf>>) -> Btf {
        Btf::read(&self.bytes(), base).unwrap()
    }
}

fn kernel() -> (Btf, Id) {
    let mut writer = Writer::new();
    let int = writer.integer("int", 4, 1);
    let file = writer.structure("seq_file", 8, int);
    let file = writer.pointer(file);
    let prototype = writer.prototype(int, &[("m", file), ("", 0)]);
    writer.function("show", prototype);
    (writer.read(None), int)
}

#[test]
fn reads_a_function_and_its_prototype() {
    let (btf, int) = kernel();
    let functions: Vec<_> = btf.functions().collect();
    let [("show", prototype)] = functions[..] else {
        panic!("{functions:?}")
    };
    let Ok(Type::Prototype {
        result,
        parameters,
        variadic,
    }) = btf.get(prototype)
    else {
        panic!("no prototype");
    };
    assert_eq!((result, variadic), (int, true));
    let [Parameter { name: "m", kind }] = parameters[..] else {
        panic!("{parameters:?}")
    };
    let Ok(Type::Pointer { target }) = btf.get(kind) else {
        panic!("no pointer")
    };
    assert_eq!(
        btf.get(target),
        Ok(Type::Struct {
            name: "seq_file",
            size: 8
        })
    );
}

#[test]
fn split_btf_goes_on_where_its_base_ends() {
    let (base, int) = kernel();
    let mut writer = Writer::on(&base);
    let own = writer.typedef("own", int);
    let prototype = writer.prototype(own, &[]);
    writer.function("module_function", prototype);
    let data = writer.bytes();
    assert!(Btf::is_split(&data));
    let module = Btf::read(&data, Some(Rc::new(base))).unwrap();
    assert_eq!(
        module.functions().map(|(name, _)| name).collect::<Vec<_>>(),
        ["module_function"]
    );
    assert_eq!(
        module.get(own),
        Ok(Type::Typedef {
            name: "own",
            target: int
        })
    );
    assert!(matches!(
        module.get(int),
        Ok(Type::Integer { name: "int", .. })
    ));
}

#[test]
fn btf_that_stands_alone_is_not_split() {
    assert!(!Btf::is_split(&Writer::new().bytes()));
}

#[test]
fn a_kind_of_the_future_is_skipped_by_its_layout() {
    let mut writer = Writer::new();
    writer.add(40, "new", 2, 0, &[7, 8, 9, 8, 9]);
    let int = writer.integer("int", 4, 1);
    assert!(Btf::read(&writer.bytes(), None)
        .unwrap_err()
        .contains("(40)"));

    let mut layout = vec![0u8; 4 * 41];
    // One word, and two for each of the elements.
    layout[4 * 40..4 * 40 + 2].copy_from_slice(&[4, 8]);
    let (types, strings) = (writer.types.len() as u32, writer.strings.len() as u32);
    let header = [
        0x0001_eb9f,
        32,
        0,
        types,
        types,
        strings,
        types + strings,
        layout.len() as u32,
    ];
    let mut data: Vec<u8> = header.iter().flat_map(|word| word.to_le_bytes()).collect();
    data.extend(writer.types.iter().chain(&writer.strings).chain(&layout));
    let btf = Btf::read(&data, None).unwrap();
    assert!(matches!(
        btf.get(int),
        Ok(Type::Integer { name: "int", .. })
    ));
}

#[test]
fn damage_is_an_error_and_never_a_panic() {
    let mut writer = Writer::new();
    let int = writer.integer("int", 4, 1);
    let prototype = writer.prototype(int, &[("m", int)]);
    writer.function("show", prototype);
    let good = writer.bytes();
    for length in 0..good.len() {
        assert!(Btf::read(&good[..length], None).is_err(), "{length} bytes");
    }
    for at in 0..good.len() {
        for value in [0, 1, 0x7f, 0xff] {
            let mut data = good.clone();
            data[at] = value;
            let Ok(btf) = Btf::read(&data, None) else {
                continue;
            };
            for id in 0..8 {
                let _ = btf.get(id);
            }
            let _ = btf.functions().count();
        }
    }
}

#[test]
fn says_what_is_not_btf() {
    assert!(Btf::read(b"\x7fELF and so on, long enough", None)
        .unwrap_err()
        .contains("not BTF"));
}
