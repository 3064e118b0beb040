"""Named tuples of arrays that kernels hand on as one pointer.

Numba passes a tuple of thirty arrays as more than two hundred arguments, at each call, and names
each function after all their types: most of what there is to compile, and a good part of the time
of a call. A bundle is written once to the stack by the way in from Python: for each array where it
lies and how long it is. Kernels read it from there; nothing changes it while they run.
"""

from __future__ import annotations

import hashlib
from typing import Any, TypeVar

from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import cgutils, types
from numba.core.datamodel import models
from numba.core.imputils import lower_getattr_generic
from numba.core.typing.templates import AttributeTemplate, infer_getattr
from numba.extending import (
    NativeValue,
    register_model,
    typeof_impl,
    unbox,
)

Class = TypeVar("Class", bound=type)


class BundleType(types.Type):
    """The type of one named tuple of C-contiguous arrays and other bundles."""

    def __init__(self, name: str, fields: tuple[tuple[str, Any], ...]) -> None:
        self.fields = fields
        layout = hashlib.sha256(repr([(field, str(kind)) for field, kind in fields]).encode())
        super().__init__(name=f"{name}_{layout.hexdigest()[:12]}")


def bundle(cls: Class) -> Class:
    """Make kernels take instances of a named tuple as one pointer."""

    @typeof_impl.register(cls)
    def find_type(value: Any, context: Any) -> BundleType:
        return BundleType(
            cls.__name__,
            tuple((name, typeof_impl(getattr(value, name), context)) for name in value._fields),
        )

    return cls


def places(kind: BundleType) -> list[int]:
    """Where each field begins in the block of words; the last is the count of words."""
    found = [0]
    for _, field in kind.fields:
        found.append(found[-1] + (1 + field.ndim if isinstance(field, types.Array) else 1))
    return found


@register_model(BundleType)
class BundleModel(models.PrimitiveModel):
    """A pointer to a block of words."""

    def __init__(self, manager: Any, kind: BundleType) -> None:
        super().__init__(manager, kind, ir.IntType(64).as_pointer())


@unbox(BundleType)
def unbox_bundle(kind: BundleType, value: Any, c: Any) -> NativeValue:
    """Write where the arrays lie, and how long they are."""
    from numba.np.arrayobj import make_array  # slow to load; what is compiled needs it no more

    word = ir.IntType(64)
    where = places(kind)
    block = cgutils.alloca_once(c.builder, word, size=where[-1])
    failed = cgutils.false_bit
    for index, (_, field) in enumerate(kind.fields):
        native = c.unbox(field, c.pyapi.tuple_getitem(value, index))
        failed = c.builder.or_(failed, native.is_error)
        if isinstance(field, types.Array):
            array = make_array(field)(c.context, c.builder, native.value)
            words = [c.builder.ptrtoint(array.data, word)]
            words += cgutils.unpack_tuple(c.builder, array.shape, field.ndim)
        else:
            words = [c.builder.ptrtoint(native.value, word)]
        for offset, item in enumerate(words):
            target = c.builder.gep(block, [ir.Constant(word, where[index] + offset)])
            c.builder.store(item, target)
    return NativeValue(block, is_error=failed)


@infer_getattr
class BundleAttribute(AttributeTemplate):
    """The type of a field."""

    key = BundleType

    def generic_resolve(self, kind: BundleType, name: str) -> Any:  # type: ignore[override]
        """The type of a field; None where there is none."""
        return dict(kind.fields).get(name)


@lower_getattr_generic(BundleType)
def read_field(context: Any, builder: Any, kind: BundleType, value: Any, name: str) -> Any:
    """An array from its words."""
    from numba.np.arrayobj import make_array, populate_array

    index = [field for field, _ in kind.fields].index(name)
    field, first = kind.fields[index][1], places(kind)[index]
    invariant = builder.module.add_metadata([])

    def read(offset: int) -> Any:
        place = builder.gep(value, [ir.Constant(ir.IntType(64), first + offset)])
        loaded = builder.load(place)
        loaded.set_metadata("invariant.load", invariant)
        return loaded

    if not isinstance(field, types.Array):
        return builder.inttoptr(read(0), context.get_value_type(field))
    array = make_array(field)(context, builder)
    shape = [read(1 + axis) for axis in range(field.ndim)]
    item_size = context.get_constant(types.intp, context.get_abi_sizeof(
        context.get_data_type(field.dtype)))  # fmt: skip
    strides = [item_size]
    for length in shape[:0:-1]:
        strides.insert(0, builder.mul(strides[0], length))
    data_type = array.data.type
    populate_array(
        array, data=builder.inttoptr(read(0), data_type), shape=shape, strides=strides,
        itemsize=item_size, meminfo=None,
    )  # fmt: skip
    return array._getvalue()
