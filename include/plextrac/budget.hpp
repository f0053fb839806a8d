/**
 * @file budget.hpp
 * The authentication requests a minute that all machines of one instance may send together.
 */
#ifndef PLEXTRAC_BUDGET_HPP
#define PLEXTRAC_BUDGET_HPP

#include <plextrac/call.hpp>

#include <cstdint>

namespace plextrac {
inline namespace PLEXTRAC_VARIANT {

/** For all machines of one instance, for all accounts and event loops. It has its own lock. */
class budget {
public:
    /** Errors: status::invalid_argument if it is not 2 to 60. */
    [[nodiscard]] static result<budget> create(std::uint32_t per_minute)
    {
        return detail::made<budget, ::plextrac_budget>([per_minute](::plextrac_budget **out, ::plextrac_error **err) {
            return ::plextrac_budget_new(per_minute, out, err);
        });
    }

    /** Takes ownership of a handle from a C function. */
    explicit budget(::plextrac_budget *handle) noexcept : handle_(handle) {}

    ::plextrac_budget *c_handle() const noexcept { return handle_.get(); }

private:
    detail::owned<::plextrac_budget, ::plextrac_budget_free> handle_;
};

}  // namespace PLEXTRAC_VARIANT
}  // namespace plextrac

#endif  /* PLEXTRAC_BUDGET_HPP */
